/** Servers on HTTP/2 of others, with a program of the tests that answers: Jetty, Tomcat and Netty in Java, hypercorn (h2) in Python. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, startOnFreePort, startProcess } from './child.js';
import {
  both,
  makeFolder,
  missingProgram,
  peerAt,
  portsOf,
  programPath,
  stopAndRemove,
  type Ability,
  type Peer,
  type PeerKind,
} from './peers.js';

const sourceOf = (file: string): string => fileURLToPath(new URL(`../../test/interop/${file}`, import.meta.url));

const jars = '/usr/share/java';

interface JavaServer {
  /** The file of `java/` that has its `main`. */
  readonly main: string;
  /** Whether the servlet answers; and in which package its container has servlets. */
  readonly servlets: 'javax' | 'jakarta' | undefined;
  readonly jars: readonly string[];
}

const jetty: JavaServer = {
  main: 'JettyServer',
  servlets: 'javax',
  jars: [
    'servlet-api',
    ...['server', 'http', 'io', 'util', 'servlet', 'security', 'http2-server', 'http2-common', 'http2-hpack'].map(
      (name) => `jetty9-${name}`,
    ),
    'jetty9-alpn-server',
    'jetty9-alpn-java-server',
  ],
};

const tomcat: JavaServer = { main: 'TomcatServer', servlets: 'jakarta', jars: ['tomcat10-embed-core'] };

const netty: JavaServer = {
  main: 'NettyServer',
  servlets: undefined,
  jars: [
    ...['buffer', 'codec', 'codec-http', 'codec-http2', 'common', 'handler', 'resolver', 'transport'].map(
      (name) => `netty-${name}`,
    ),
    'jctools-core',
  ],
};

function missingJava({ jars: needed }: JavaServer): string | undefined {
  const missing = needed.find((name) => !existsSync(`${jars}/${name}.jar`));
  return missing === undefined ? missingProgram('javac') : `${missing}.jar is not in ${jars}`;
}

async function startJava({ main, servlets, jars: needed }: JavaServer, tls: boolean): Promise<Peer> {
  const folder = makeFolder();
  const classPath = needed.map((name) => `${jars}/${name}.jar`).join(delimiter);
  const sources = servlets === undefined ? [main] : [main, 'Answers'];
  for (const name of sources) {
    const source = readFileSync(sourceOf(`java/${name}.java`), 'utf8');
    writeFileSync(join(folder.path, `${name}.java`), source.replaceAll('javax.servlet', `${servlets}.servlet`));
  }
  const files = sources.map((name) => join(folder.path, `${name}.java`));
  await run(programPath('javac'), ['-cp', classPath, '-d', folder.path, ...files], {});
  const path = [folder.path, classPath].join(delimiter);
  const server = startProcess(programPath('java'), ['-cp', path, main, folder.cert, folder.key, folder.path]);
  const [clear, secure] = await portsOf(server);
  return { ...peerAt(tls, tls ? secure : clear), close: () => stopAndRemove(server, folder) };
}

function javaKinds(name: string, server: JavaServer, ...more: readonly Ability[]): PeerKind[] {
  const abilities: readonly Ability[] = ['echo', 'headers', 'trailers', ...more];
  return both(
    name,
    abilities,
    () => missingJava(server),
    (tls) => startJava(server, tls),
  );
}

/** Debian's own, which has Debian's packages; another may come first on PATH. */
const python = '/usr/bin/python3';

function missingHypercorn(): string | undefined {
  return existsSync('/usr/lib/python3/dist-packages/hypercorn') ? undefined : 'python3-hypercorn is not installed';
}

async function startHypercorn(tls: boolean): Promise<Peer> {
  const folder = makeFolder();
  const certificate = ['--certfile', folder.cert, '--keyfile', folder.key];
  const options = ['--log-level', 'error', ...(tls ? certificate : [])];
  const server = await startOnFreePort((port) =>
    startProcess(python, ['-m', 'hypercorn', ...options, '--bind', `127.0.0.1:${port}`, 'answers:app'], {
      PYTHONPATH: sourceOf('python'),
      PYTHONDONTWRITEBYTECODE: '1',
    }),
  );
  return { ...peerAt(tls, server.port), close: () => stopAndRemove(server, folder) };
}

export const programKinds: readonly PeerKind[] = [
  ...javaKinds('Jetty', jetty), // whose version 9 has header blocks of one frame
  ...javaKinds('Tomcat', tomcat, 'large-headers'),
  ...javaKinds('Netty', netty, 'large-headers').filter(({ name }) => name.endsWith('h2c')), // Debian's has no ALPN
  ...both('hypercorn', ['echo', 'headers', 'large-headers'], missingHypercorn, startHypercorn),
];
