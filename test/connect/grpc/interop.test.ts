import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { interopCases, runCase } from './cases.js';
import { http2Cases, runHttp2Case } from './http2-cases.js';
import { passinglane } from './libraries.js';
import { startCompressing, startGrpcJs, type InteropServer } from './servers.js';

for (const [name, tls] of [
  ['in the clear', false],
  ['over TLS', true],
] as const) {
  describe(`gRPC's interop cases with grpc-js ${name}`, () => {
    let server: InteropServer;
    before(async () => {
      server = await startGrpcJs(tls);
    });
    after(() => server.close());
    for (const one of interopCases.filter(({ needs }) => needs === undefined)) {
      test(`${one.name} goes as gRPC's interop tests describe it, ${name}`, () => runCase(one, passinglane, server));
    }
  });
}

describe("gRPC's interop cases about compression", () => {
  let server: InteropServer;
  before(async () => {
    server = await startCompressing();
  });
  after(() => server.close());
  for (const one of interopCases.filter(({ needs }) => needs === 'compression')) {
    test(`${one.name} goes as gRPC's interop tests describe it`, () => runCase(one, passinglane, server));
  }
});

for (const one of http2Cases) {
  test(`${one.name} goes as gRPC's http2_test describes it`, () => runHttp2Case(one, passinglane));
}

test('a case fails where the server does not what it is asked for', async (t) => {
  const server = await startCompressing();
  t.after(() => server.close());
  const one = interopCases.find(({ name }) => name === 'status_code_and_message');
  assert.ok(one !== undefined);
  await assert.rejects(runCase(one, passinglane, server), assert.AssertionError);
});
