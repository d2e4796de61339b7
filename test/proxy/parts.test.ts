/** The parts of a way through a proxy, each by itself. */
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { TransportError } from '../../dist/errors.js';
import { originOf } from '../../dist/pool/origin.js';
import { connectOver } from '../../dist/proxy/connect.js';
import { proxyDialler, type ProxyPlatform } from '../../dist/proxy/dialler.js';
import { unreachable } from '../../dist/proxy/failure.js';
import { resolveOptions } from '../../dist/transport-options.js';

const route = { origin: originOf(new URL('https://origin.test')), proxy: originOf(new URL('http://proxy.test')) };

/** The socket of a proxy that gives these bytes for an answer. */
function answering(...parts: string[]): Duplex {
  const socket = new Duplex({
    read: () => undefined,
    write(_chunk, _encoding, done) {
      for (const part of parts) this.push(part);
      done();
    },
  });
  return socket;
}

const connect = (socket: Duplex, signal = new AbortController().signal): Promise<Duplex> =>
  connectOver(socket, route, { host: 'origin.test:443' }, signal);

test('a socket is destroyed where nobody waits for the tunnel any more when it is there', async () => {
  const socket = answering();
  await assert.rejects(connect(socket, AbortSignal.abort(new Error('given up'))), /given up/);
  assert.equal(socket.destroyed, true);
});

test('interim responses have a room of their own, beside that of the answer', async () => {
  const early = `HTTP/1.1 103 Early Hints\r\nlink: ${'a'.repeat(16_000)}\r\n\r\n`;
  const large = `HTTP/1.1 200 OK\r\nx: ${'b'.repeat(16_000)}\r\n\r\nfirst`;
  const tunnel = await connect(answering(early, large));
  assert.equal(String(tunnel.read()), 'first');
  await assert.rejects(connect(answering(early, early, large)), /interim responses \(1xx\) of more than 16384 bytes/);
});

test('where the proxy cannot be reached, nothing has reached the origin', () => {
  const dial = new TransportError('ERR_PASSINGLANE_CONNECT_FAILED', 'Could not connect to http://proxy.test: refused', {
    scope: 'connection',
    initiator: 'remote',
  });
  const { unprocessed, origin, message } = unreachable(route, dial);
  assert.deepEqual([unprocessed, origin], [true, 'https://origin.test']);
  assert.match(message, /through the proxy http:\/\/proxy\.test: no connection to it: refused/);
});

test('a name is looked up here only where no proxy leads to it', () => {
  const asked: string[] = [];
  const direct = {
    resolve: ({ hostname }: { hostname: string }) => {
      asked.push(hostname);
      return Promise.resolve(['127.0.0.1']);
    },
  };
  const before = { ...process.env };
  process.env['https_proxy'] = 'http://proxy.test';
  process.env['no_proxy'] = 'exempt.test';
  try {
    const platform = { dialler: () => direct } as unknown as ProxyPlatform;
    const dialler = proxyDialler(resolveOptions({ proxy: 'env' }, 'test'), platform);
    assert.equal(dialler.resolve?.(route.origin), undefined);
    assert.notEqual(dialler.resolve?.(originOf(new URL('https://exempt.test'))), undefined);
    assert.deepEqual(asked, ['exempt.test']);
  } finally {
    for (const name of ['https_proxy', 'no_proxy'])
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
  }
});
