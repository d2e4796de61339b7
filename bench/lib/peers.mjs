// Who is measured: how each is run, how it is configured, and why it is absent where it is.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Transport } from 'passinglane';
import { commandPeers } from './commands.mjs';
import { findProgram, firstLine, runClient } from './processes.mjs';
import { runH2load } from './h2load.mjs';

const require = createRequire(import.meta.url);
const goPath = '/usr/share/gocode';
const dist = (path) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));
const program = fileURLToPath(new URL('../work/main.mjs', import.meta.url));

/** The published header-compression vectors (github.com/http2jp/hpack-test-case), beside the repository. */
export const vectors = fileURLToPath(new URL('../../../shared/data/hpack/', import.meta.url));

function packageVersion(name) {
  try {
    return require(`../../node_modules/${name}/package.json`).version;
  } catch {
    return undefined; // not installed, which the table of peers says
  }
}

const atLeast = (version, wanted) => {
  const [major, minor] = version.replace('v', '').split('.').map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
};

/** The clients by name, for one Node binary; `files` is where servers keep what clients read. */
export function makePeers(node, files) {
  const undici = atLeast(node.version, [22, 19]) ? 'undici' : 'undici-7';
  const h2load = findProgram('h2load');
  const missing = (name) => (packageVersion(name) === undefined ? `${name} is not installed` : undefined);
  const facade = (exists, name) => (exists ? undefined : `${name} is not built yet`);
  const ofNode = (client, { configuration, version, absent, flags = [], extra = {} }) => ({
    configuration,
    version,
    absent,
    run: (job) => runNode(node, [...flags, ...(job.flags ?? [])], { client, ...extra, ...job }),
  });
  const ours = `${require('../../package.json').version}, this checkout`;
  const undiciPeer = {
    version: `${packageVersion(undici)} (${undici === 'undici' ? 'undici 8' : 'undici 7, since undici 8 needs Node 22.19'})`,
    extra: { undici },
    absent: missing(undici),
  };
  const nodeHttp2 = { version: `of Node ${node.version}` };
  const noVectors = existsSync(vectors) ? undefined : 'the published vectors are not in ../shared/data/hpack';

  return {
    passinglane: ofNode('passinglane', { version: ours, configuration: 'default options, one Transport' }),
    'passinglane fetch': ofNode('passinglane-fetch', {
      version: ours,
      configuration: 'default options, one Transport',
      absent: facade(typeof new Transport().fetch === 'function', 'Transport.fetch'),
    }),
    'passinglane/undici': ofNode('passinglane-undici', {
      version: ours,
      configuration: "H2Dispatcher under undici's own request()",
      extra: { undici },
      absent: facade(existsSync(dist('undici/index.js')), 'passinglane/undici') ?? undiciPeer.absent,
    }),
    everyday: ofNode('everyday', {
      version: ours,
      configuration: `each as its documentation shows; undici ${packageVersion(undici)}, got ${packageVersion('got')}, axios ${packageVersion('axios')}`,
      extra: { undici },
      absent: undiciPeer.absent ?? missing('got') ?? missing('axios'),
    }),
    'undici ceiling': ofNode('undici-ceiling', {
      ...undiciPeer,
      configuration: 'over a dispatcher that answers at once: no network at all',
    }),
    'grpc request': ofNode('passinglane-grpc', { version: ours, configuration: "a call's bytes by request()" }),
    idle: ofNode('idle', { version: ours, configuration: 'default options' }),
    'JSON.parse': ofNode(undefined, {
      version: `of Node ${node.version}`,
      configuration: 'JSON.parse of the same text',
      extra: { json: files.json },
    }),
    ...commandPeers(node, files),
    'passinglane/connect': ofNode('passinglane-connect', {
      version: ours,
      configuration: 'createGrpcTransport over one Transport',
      absent: facade(existsSync(dist('connect/index.js')), 'passinglane/connect') ?? missing('@connectrpc/connect'),
    }),
    'node:http2': ofNode('node-http2', { ...nodeHttp2, configuration: 'one session, default windows' }),
    'node:http2, 16 MiB windows': ofNode('node-http2', {
      ...nodeHttp2,
      configuration: 'one session, both windows 16 MiB',
      extra: { window: 16_777_215 },
    }),
    'bare socket': ofNode('bare-socket', {
      version: nodeHttp2.version,
      configuration: 'node:net or node:tls, frames made beforehand, bytes counted: what any client on Node pays',
    }),
    undici: ofNode('undici', {
      ...undiciPeer,
      configuration:
        'one Client with allowH2 (H2CClient in the clear), maxConcurrentStreams and pipelining for all in flight',
    }),
    'undici fetch': ofNode('undici-fetch', { ...undiciPeer, configuration: 'fetch() over the same client' }),
    'connect-node': ofNode('connect-node', {
      version: packageVersion('@connectrpc/connect-node'),
      configuration: 'createGrpcTransport, its default session manager',
      absent: missing('@connectrpc/connect-node'),
    }),
    'Connect ceiling': ofNode('connect-ceiling', {
      version: packageVersion('@connectrpc/connect'),
      configuration: "Connect-ES's gRPC over a client that answers at once: no network at all",
      absent: missing('@connectrpc/connect'),
    }),
    'grpc-js': ofNode('grpc-js', {
      version: packageVersion('@grpc/grpc-js'),
      configuration: 'one client, one channel, the same serialisation as the others',
      absent: missing('@grpc/grpc-js'),
    }),
    'passinglane/hpack': ofNode('hpack-passinglane', {
      version: ours,
      configuration: 'a decoder or encoder a story',
      absent: noVectors,
    }),
    'hpack.js': ofNode('hpack-js', {
      version: packageVersion('hpack.js'),
      configuration: 'a decompressor or compressor a story',
      absent: missing('hpack.js') ?? noVectors,
    }),
    modules: ofNode(undefined, { version: '', configuration: 'import() in a process of its own', extra: { undici } }),
    Go: goPeer(files),
    h2load: {
      version: h2load && firstLine(h2load, '--version'),
      configuration: 'one client, one thread, its default windows of 1 GiB, TLS_AES_256_GCM_SHA384 as the others',
      absent: h2load === undefined ? 'h2load is not installed' : undefined,
      run: (job) => runH2load(h2load, job, files),
    },
  };
}

async function runNode(node, flags, job) {
  const command = [node.path, ...flags, program, JSON.stringify(job)];
  const output = await runClient(command, { env: { NODE_NO_WARNINGS: '1', NODE_EXTRA_CA_CERTS: '' } });
  return JSON.parse(output.trim().split('\n').at(-1));
}

const sources = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.go'))
    .map((name) => join(folder, name));

/** Go's client, built when it is first run. */
function goPeer(files) {
  const go = findProgram('go');
  const source = fileURLToPath(new URL('../clients/go', import.meta.url));
  const binary = join(files.folder, 'go-client');
  const env = { GO111MODULE: 'off', GOPATH: goPath };
  let built;
  return {
    version: go && `${firstLine(go, 'version')}, golang.org/x/net of the distribution`,
    configuration: 'http2.Transport as it comes, GOMAXPROCS=1',
    absent:
      go === undefined
        ? 'Go is not installed'
        : existsSync(`${goPath}/src/golang.org/x/net/http2`)
          ? undefined
          : `golang.org/x/net is not in ${goPath}`,
    async run(job) {
      built ??= runClient([go, 'build', '-o', binary, ...sources(source)], { env, seconds: 300 });
      await built;
      return JSON.parse(await runClient([binary, JSON.stringify(job)], { env: { GOMAXPROCS: '1' } }));
    },
  };
}
