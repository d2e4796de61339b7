/**
 * Servers that stand in front of others, with HTTP/2 to the client and HTTP/1.1 to a node:http server: Apache, HAProxy,
 * h2o, Caddy, nghttpx, and nginx with a master process.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loopback } from '../support/certificates.js';
import { run, startOnFreePort, startProcess, type ServerProcess } from './child.js';
import {
  answerForNginx,
  both,
  makeFolder,
  missingProgram,
  peerAt,
  programPath,
  temporaryPaths,
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
  /** How it is told to read its configuration anew: by a signal, or by its own command with these arguments. */
  readonly reload: NodeJS.Signals | ((file: string) => readonly string[]);
  /** What its end of a connection says in place of answers that it owes. */
  readonly cuts?: RegExp;
}

/** One that can be told to read its configuration anew, as its administrator would. */
export interface FrontPeer extends Peer {
  reload(): Promise<void>;
  /** What is said of requests that it has begun and does not finish then; undefined where it finishes all. */
  readonly cuts: RegExp | undefined;
  /** The `x-number` of each request that came through it, in their order. */
  readonly arrived: readonly string[];
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
  reload: 'SIGUSR1', // graceful
  cuts: /GOAWAY 0xfffffc7a/, // an error of its own on the way out, whoever the client is
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
  reload: 'SIGUSR2',
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
  args: (file) => ['-m', 'master', '-c', file],
  reload: 'SIGHUP',
};

const caddy: Front = {
  program: 'caddy',
  config: ({ tls, port, backendPort, folder }) => `{
  admin unix/${folder}/admin.sock
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
  reload: (file) => ['reload', '--force', '--config', file, '--adapter', 'caddyfile'],
};

const nghttpx: Front = {
  program: 'nghttpx',
  config: ({ tls, port, backendPort, folder }) => `frontend=127.0.0.1,${port}${tls ? '' : ';no-tls'}
backend=127.0.0.1,${backendPort}
private-key-file=${folder}/key.pem
certificate-file=${folder}/cert.pem
no-ocsp=yes
workers=1
request-header-field-buffer=131072
response-header-field-buffer=131072
`,
  args: (file) => [`--conf=${file}`],
  reload: 'SIGHUP',
};

/** In place of the one that serves files itself, which has one process: this one's workers are replaced. */
const nginx: Front = {
  program: 'nginx',
  config: ({ tls, port, backendPort, folder }) => `daemon off;
user root;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporaryPaths(folder)}
  keepalive_requests 100000;
  server {
    listen 127.0.0.1:${port} ${tls ? 'ssl ' : ''}http2;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    location / {
      proxy_pass http://127.0.0.1:${backendPort};
      proxy_http_version 1.1;
    }
  }
}
`,
  args: (file) => ['-c', file],
  reload: (file) => ['-c', file, '-s', 'reload'],
};

async function startFront({ program, config, args, reload, cuts }: Front, tls: boolean): Promise<FrontPeer> {
  const path = programPath(program);
  const folder = makeFolder();
  writeFileSync(`${folder.path}/both.pem`, loopback.cert + loopback.key);
  const arrived: string[] = [];
  const backend = createServer({ maxHeaderSize: 262_144 }, (request, response) => {
    const number = request.headers['x-number'];
    if (typeof number === 'string') arrived.push(number);
    answerForNginx(request, response);
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const { port: backendPort } = backend.address() as AddressInfo;
  const file = `${folder.path}/config`;
  const home = { HOME: folder.path, XDG_CONFIG_HOME: folder.path, XDG_DATA_HOME: folder.path };
  const server = await startOnFreePort((port) => {
    writeFileSync(file, config({ tls, port, backendPort, folder: folder.path }));
    return startProcess(path, args(file), home);
  });
  return {
    ...peerAt(tls, server.port),
    arrived,
    cuts,
    async reload() {
      if (typeof reload === 'string') server.child.kill(reload);
      else await run(path, reload(file), home);
    },
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

function kinds(name: string, front: Front): PeerKind<FrontPeer>[] {
  return both(
    name,
    ['echo', 'headers', 'large-headers'],
    () => missingProgram(front.program),
    (tls) => startFront(front, tls),
  );
}

export const frontKinds: readonly PeerKind<FrontPeer>[] = [
  ...kinds('Apache', apache),
  ...kinds('HAProxy', haproxy),
  ...kinds('h2o', h2o),
  ...kinds('Caddy', caddy),
  ...kinds('nghttpx', nghttpx),
];

/** Those that hand their connections over; nginx for that has workers, and passes everything on. Caddy 2.6 keeps those of h2c. */
export const reloadKinds: readonly PeerKind<FrontPeer>[] = [...frontKinds, ...kinds('nginx', nginx)].filter(
  ({ name }) => name !== 'Caddy, h2c',
);
