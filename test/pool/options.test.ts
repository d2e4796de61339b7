/** Options of a transport: their defaults, what is refused, and what some of them do. */
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import { resolveOptions, type TransportOptions } from '../../dist/transport-options.js';
import { poolHarness } from '../support/pool-harness.js';

test('without options a transport has the defaults that are documented', () => {
  const { retry, ...options } = resolveOptions(undefined, 'agent');
  assert.deepEqual(retry, {
    maxAttempts: 8,
    baseDelay: 1_000,
    maxDelay: 32_000,
    jitter: 0.1,
    budget: 0.2,
    statuses: [],
  });
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  assert.deepEqual(given, {
    tls: {},
    allowHTTP1: true,
    cleartext: 'http/1.1',
    connectTimeout: 10_000,
    maxConnectionsPerOrigin: 64,
    strictMaxConcurrentStreams: false,
    bulkIsolation: true,
    stallTimeout: 100,
    probeAfter: 1_000,
    readIdleTimeout: 15_000,
    pingTimeout: 15_000,
    writeTimeout: 60_000,
    idleTimeout: 90_000,
    maxConnectionAge: 0,
    maxRequestsPerConnection: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderListSize: 262_144,
    maxFrameSize: 16_384,
    headerTableSize: 4_096,
    encoderTableSize: 4_096,
    initialStreamWindow: 262_144,
    maxStreamWindow: 16_777_216,
    maxConnectionWindow: 67_108_864,
    maxBufferedBytes: 67_108_864,
    maxResponseSize: 0,
    loadBalancing: 'pick-first',
    resolveInterval: 30_000,
    decompress: true,
    userAgent: 'agent',
    namesAgent: false,
  });
});

test('an option that is unknown or out of range is refused by name, with its value and what is allowed', () => {
  const bad: readonly (readonly [name: string, value: unknown])[] = [
    ['maxFrameSize', 16_383],
    ['maxFrameSize', 16_777_216],
    ['maxFrameSize', 16_384.5],
    ['headerTableSize', -1],
    ['encoderTableSize', 2 ** 32],
    ['maxHeaderListSize', 0],
    ['initialStreamWindow', 0],
    ['initialStreamWindow', 2 ** 31],
    ['maxConnectionWindow', 65_534],
    ['maxBufferedBytes', Number.NaN],
    ['idleTimeout', -1],
    ['idleTimeout', Infinity],
    ['pingTimeout', '15'],
    ['maxConnectionsPerOrigin', 0],
    ['strictMaxConcurrentStreams', 1],
    ['cleartext', 'h2'],
    ['tls', null],
    ['lookup', 'dns'],
    ['createConnection', {}],
    ['observer', () => undefined],
    ['proxy', true],
    ['idleTimeOut', 5],
    ['retry', 3],
  ];
  for (const [name, value] of bad) {
    assert.throws(
      () => resolveOptions({ [name]: value }, ''),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
        assert.ok(error.message.includes(name), error.message);
        assert.match(error.message, /Allowed: /);
        return true;
      },
    );
  }
  assert.throws(() => resolveOptions({ retry: { maxAttempts: 0 } }, ''), /retry\.maxAttempts/);
  assert.throws(() => resolveOptions(5 as unknown as TransportOptions, ''), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('an option that is undefined has its default, and the ends of each range are within it', () => {
  assert.equal(resolveOptions({ maxFrameSize: undefined }, '').maxFrameSize, 16_384);
  const ends: TransportOptions[] = [
    { maxFrameSize: 16_777_215, headerTableSize: 0, maxHeaderListSize: 1 },
    { headerTableSize: 2 ** 32 - 1, maxHeaderListSize: 2 ** 32 - 1, initialStreamWindow: 2 ** 31 - 1 },
    { maxConnectionWindow: 65_535, maxBufferedBytes: 65_535, initialStreamWindow: 1, idleTimeout: 0 },
  ];
  for (const options of ends) assert.doesNotThrow(() => resolveOptions(options, ''));
});

test('with decompress off no coding is asked for, and none undone', async () => {
  const coded = gzipSync('plain text');
  for (const decompress of [true, false]) {
    const p = poolHarness({
      decompress,
      answer: (peer, id) => {
        peer.headers(id, 200, { fields: [['content-encoding', 'gzip']] });
        peer.data(id, coded, true);
      },
    });
    const asked = p.get('/1');
    const own = p.get('/2', { headers: { 'accept-encoding': 'gzip' } });
    await p.settle();
    const [first] = p.peer(0).blocks(1);
    assert.equal(first?.['accept-encoding']?.includes('gzip') ?? false, decompress);
    const bytes = await asked.response?.body.bytes();
    assert.deepEqual(Buffer.from(bytes ?? []), decompress ? Buffer.from('plain text') : coded);
    const raw = await own.response?.body.bytes();
    assert.deepEqual(Buffer.from(raw ?? []), coded, 'a caller who asks for a coding undoes it');
  }
});
