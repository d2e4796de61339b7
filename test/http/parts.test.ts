/** Parts of the facade by themselves: header fields, errors, the socket that stands in, and transports for settings. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { toHttpError } from '../../dist/http/http-errors.js';
import { createRequest, get } from '../../dist/http/index.js';
import { TransportsBySettings } from '../../dist/http/per-call.js';
import { SocketView } from '../../dist/http/socket-view.js';
import { TransportError, type TransportErrorInit } from '../../dist/errors.js';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

test('header fields are taken from an object, pairs and a flat list, and what is none is refused', async (t) => {
  const origin = await startOrigin();
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(async () => {
    transport.destroy();
    await origin.close();
  });
  const { request } = createRequest(transport);
  const seenOf = async (headers: unknown): Promise<Record<string, string>> => {
    const sent = request(`${origin.origin}/headers`, { headers: headers as never }).end();
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
    return JSON.parse(await text(response)) as Record<string, string>;
  };
  const pairs = [
    ['x-a', '1'],
    ['x-a', '2'],
  ];
  assert.equal((await seenOf({ 'x-a': ['1', '2'], 'x-b': undefined }))['x-a'], '1, 2');
  assert.equal('x-b' in (await seenOf({ 'x-b': undefined })), false);
  assert.equal((await seenOf(pairs))['x-a'], '1, 2');
  assert.equal((await seenOf([...pairs.flat(), 'without a value']))['x-a'], '1, 2');
  const sent = request(`${origin.origin}/headers`);
  assert.throws(() => sent.setHeader('', 'x'), { code: 'ERR_INVALID_HTTP_TOKEN' });
  assert.throws(() => sent.setHeader('x-a', undefined as never), { code: 'ERR_HTTP_INVALID_HEADER_VALUE' });
  sent.on('error', () => undefined).destroy();
  const aborted = request(origin.origin, { signal: AbortSignal.abort(new Error('mine')) });
  const [error] = (await once(aborted, 'error')) as [NodeJS.ErrnoException];
  assert.deepEqual([error.name, error.code, (error.cause as Error).message], ['AbortError', 'ABORT_ERR', 'mine']);
});

test('what is no URL and no options is refused, and nothing that is missing leads elsewhere', () => {
  for (const input of [undefined, null, 5, true])
    assert.throws(() => get(input as never), { code: 'ERR_INVALID_ARG_VALUE', message: /url/ });
});

test('a failure has the code that node:http would give it', () => {
  const codeOf = (code: ConstructorParameters<typeof TransportError>[0], init: Partial<TransportErrorInit> = {}) =>
    (
      toHttpError(
        new TransportError(code, 'it failed', { scope: 'connection', initiator: 'remote', ...init }),
      ) as NodeJS.ErrnoException
    ).code;
  const system = Object.assign(new Error('x'), { code: 'EPIPE', errno: -32, syscall: 'write' });
  assert.equal(codeOf('ERR_PASSINGLANE_CONNECTION_LOST'), 'ECONNRESET');
  assert.equal(codeOf('ERR_PASSINGLANE_CONNECTION_LOST', { cause: new Error('y', { cause: system }) }), 'EPIPE');
  assert.equal(codeOf('ERR_PASSINGLANE_HEADERS_TIMEOUT'), 'ETIMEDOUT');
  assert.equal(codeOf('ERR_PASSINGLANE_PROTOCOL'), 'ERR_PASSINGLANE_PROTOCOL');
  assert.equal(codeOf('ERR_PASSINGLANE_REQUEST_BODY', { cause: system }), 'ERR_PASSINGLANE_REQUEST_BODY');
  const mine = new Error('mine');
  assert.equal(toHttpError(mine), mine);
  assert.equal(toHttpError('no error').message, 'no error');
});

test('the socket that stands in says where the response came from, in the family of its address', () => {
  for (const [remoteAddress, family] of [
    ['127.0.0.1', 'IPv4'],
    ['::1', 'IPv6'],
    [undefined, undefined],
  ] as const) {
    const socket = SocketView.make(true, () => undefined);
    socket.describe({ remoteAddress, remotePort: 1 } as never);
    assert.deepEqual([socket.remoteAddress, socket.remoteFamily], [remoteAddress, family]);
  }
});

test('of more than 32 sets of connection settings, the one out of use for longest closes its transport', async () => {
  const transports = new TransportsBySettings();
  const first = transports.for({ servername: 'name-0' });
  const second = transports.for({ servername: 'name-1' });
  for (let i = 2; i < 32; i++) transports.for({ servername: `name-${i}` });
  assert.equal(transports.for({ servername: 'name-0' }), first);
  transports.for({ servername: 'name-32' });
  await assert.rejects(second.request('http://127.0.0.1:1'), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  await assert.rejects(first.request('http://127.0.0.1:1'), { code: 'ERR_PASSINGLANE_CONNECT_FAILED' });
  assert.notEqual(transports.for({ servername: 'name-1' }), second);
  for (let i = 0; i <= 32; i++) transports.for({ servername: `name-${i}` }).destroy();
});

test('the family of a call goes to its look-up', async () => {
  const asked: unknown[] = [];
  const lookup: LookupFunction = (_, options, callback) => {
    asked.push(options.family);
    callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), '');
  };
  const transports = new TransportsBySettings();
  for (const settings of [{ lookup }, { lookup, family: 6 }]) {
    const transport = transports.for(settings);
    await assert.rejects(transport.request('http://a.test/'), { code: 'ERR_PASSINGLANE_CONNECT_FAILED' });
    transport.destroy();
  }
  assert.deepEqual(asked.at(-1), 6);
  assert.notEqual(asked[0], 6);
});
