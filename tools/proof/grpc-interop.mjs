// The client cases of gRPC's interop tests, and of its http2_test, over passinglane/connect and over connect-node.
import { readFileSync } from 'node:fs';
import { compiled, root } from './tools.mjs';

/** How long a case may take, the slowest of which are 20 large calls. */
const limit = 20_000;

const excluded = [
  {
    what: 'cacheable_unary, compute_engine_creds, jwt_token_creds, oauth2_auth_token, per_rpc_creds, google_default_credentials, compute_engine_channel_credentials',
    cases: 7,
    reason: "they need Google's cloud, or a caching proxy in front of the server",
  },
];

async function inTime(run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${limit / 1_000} s`)), limit);
  });
  try {
    await Promise.race([run(), late]);
    return undefined;
  } catch (error) {
    return error.message.split('\n')[0];
  } finally {
    clearTimeout(timer);
  }
}

/** Every case with every server that there is: its name, and what runs it for a library. */
async function runs(modules, servers) {
  const all = modules.http2.http2Cases.map((one) => ({
    name: `${one.name}, by frames`,
    run: (library) => modules.http2.runHttp2Case(one, library),
  }));
  for (const { name, server, needs } of servers) {
    for (const one of modules.cases.interopCases) {
      if (one.needs !== needs) continue;
      all.push({ name: `${one.name}, ${name}`, run: (library) => modules.cases.runCase(one, library, server) });
    }
  }
  return all;
}

async function start(modules) {
  const servers = [];
  for (const tls of [false, true]) {
    const how = tls ? 'TLS' : 'h2c';
    servers.push({ name: `grpc-js, ${how}`, server: await modules.servers.startGrpcJs(tls) });
    if (modules.peers.goGrpc.missing() === undefined)
      servers.push({ name: `Go, ${how}`, server: await modules.peers.goGrpc.start(tls) });
  }
  servers.push({ name: 'by hand', server: await modules.servers.startCompressing(), needs: 'compression' });
  return servers;
}

export const grpcInterop = {
  id: 'grpc-interop',
  title: "gRPC's interop tests",
  about:
    'The client cases of [interop-test-descriptions](https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md) with ' +
    "grpc-js and Go's grpc as servers, in the clear and over TLS; those about compression, and those of http2_test, with " +
    'servers by hand. Each case counts once for each server. Connect-ES compresses all messages of a call or none, so ' +
    'client_compressed_streaming has a call for each kind.',
  async run() {
    const modules = {
      cases: await compiled('connect/grpc/cases.js'),
      http2: await compiled('connect/grpc/http2-cases.js'),
      servers: await compiled('connect/grpc/servers.js'),
      peers: await compiled('interop/peers.js'),
    };
    const { passinglane, connectNode } = await compiled('connect/grpc/libraries.js');
    const servers = await start(modules);
    const all = await runs(modules, servers);
    const failures = { ours: [], theirs: [] };
    for (const { name, run } of all) {
      const ours = await inTime(() => run(passinglane));
      if (ours !== undefined) failures.ours.push({ what: name, reason: ours });
      const theirs = await inTime(() => run(connectNode));
      if (theirs !== undefined) failures.theirs.push({ what: name, reason: theirs });
    }
    for (const { server } of servers) await server.close();
    const version = (name) => JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8')).version;
    return {
      version: `as of 2026; grpc-js ${version('@grpc/grpc-js')}`,
      cases: all.length,
      excluded,
      ours: all.length - failures.ours.length,
      peers: [
        { name: `connect-node ${version('@connectrpc/connect-node')}`, passed: all.length - failures.theirs.length },
      ],
      differences: failures.ours,
      theirs: failures.theirs,
    };
  },
};
