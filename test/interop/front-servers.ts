/** Servers that stand in front of others, with HTTP/2 to the client and HTTP/1.1 to a node:http server: Apache, HAProxy, h2o, Caddy. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loopback } from '../support/certificates.js';
import { startOnFreePort, startProcess, type ServerProcess } from './child.js';
import {
  answerForNginx,
  both,
  makeFolder,
  missingProgram,
  peerAt,
  programPath,
  type Peer,
  type PeerKind,
} from './peers.js';

interface Place {
  readonly tls: boolean;
  readonly port: number;
  readonly backendPort: number;
  /** Holds cert.pem, key.pem and both.pem. */
  readonly folder: string;
}

interface Front {
  readonly program: string;
  config(place: Place): string;
  /** @param file the configuration */
  args(file: string): readonly string[];
}

const modules = ['mpm_event', 'authz_core', 'http2', 'proxy', 'proxy_http', 'ssl'];

const apache: Front = {
  program: 'apache2',
  config: ({ tls, port, backendPort, folder }) => `ServerName localhost
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
Mutex posixsem
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
User www-data
Group www-data
Listen 127.0.0.1:${port}
Protocols h2 h2c
${tls ? `SSLEngine on\nSSLCertificateFile ${folder}/cert.pem\nSSLCertificateKeyFile ${folder}/key.pem` : ''}
ProxyPass / http://127.0.0.1:${backendPort}/ responsefieldsize=16384
`,
  args: (file) => ['-f', file, '-DFOREGROUND'],
};

const haproxy: Front = {
  program: 'haproxy',
  config: ({ tls, port, backendPort, folder }) => `global
  tune.bufsize 131072
  tune.http.maxhdr 200
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend clients
  bind 127.0.0.1:${port} ${tls ? `ssl crt ${folder}/both.pem alpn h2` : 'proto h2'}
  default_backend origin
backend origin
  server origin 127.0.0.1:${backendPort}
`,
  args: (file) => ['-W', '-f', file],
};

const h2o: Front = {
  program: 'h2o',
  config: ({ tls, port, backendPort, folder }) => `num-threads: 1
listen:
  host: 127.0.0.1
  port: ${port}
${tls ? `  ssl:\n    certificate-file: ${folder}/cert.pem\n    key-file: ${folder}/key.pem` : ''}
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: "http://127.0.0.1:${backendPort}/"
`,
  args: (file) => ['-c', file],
};

const caddy: Front = {
  program: 'caddy',
  config: ({ tls, port, backendPort, folder }) => `{
  admin off
  auto_https off
  servers {
    protocols h1 h2 h2c
  }
}
${tls ? 'https' : 'http'}://127.0.0.1:${port} {
  bind 127.0.0.1
  ${tls ? `tls ${folder}/cert.pem ${folder}/key.pem` : ''}
  reverse_proxy 127.0.0.1:${backendPort}
}
`,
  args: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
};

async function startFront({ program, config, args }: Front, tls: boolean): Promise<Peer> {
  const path = programPath(program);
  const folder = makeFolder();
  writeFileSync(`${folder.path}/both.pem`, loopback.cert + loopback.key);
  const backend = createServer({ maxHeaderSize: 262_144 }, answerForNginx).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const { port: backendPort } = backend.address() as AddressInfo;
  const file = `${folder.path}/config`;
  const server = await startOnFreePort((port) => {
    writeFileSync(file, config({ tls, port, backendPort, folder: folder.path }));
    const home = { HOME: folder.path, XDG_CONFIG_HOME: folder.path, XDG_DATA_HOME: folder.path };
    return startProcess(path, args(file), home);
  });
  return {
    ...peerAt(tls, server.port),
    async close() {
      await end(server);
      folder.remove();
      backend.close();
      backend.closeAllConnections();
      await once(backend, 'close');
    },
  };
}

/** A master process takes its workers with it, where it is asked and not killed. */
async function end(server: ServerProcess): Promise<void> {
  const gone = once(server.child, 'exit');
  server.child.kill('SIGTERM');
  await gone;
}

function kinds(name: string, front: Front): PeerKind[] {
  return both(
    name,
    ['echo', 'headers', 'large-headers'],
    () => missingProgram(front.program),
    (tls) => startFront(front, tls),
  );
}

export const frontKinds: readonly PeerKind[] = [
  ...kinds('Apache', apache),
  ...kinds('HAProxy', haproxy),
  ...kinds('h2o', h2o),
  ...kinds('Caddy', caddy),
];
