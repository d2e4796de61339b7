// The real axios, its fetch adapter over a transport's fetch.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import axios, { type AxiosInstance, AxiosError } from 'axios';
import { Transport } from '../../dist/index.js';
import { startOrigin, type TestOrigin } from '../support/origin.js';

describe("axios's fetch adapter", () => {
  let origin: TestOrigin;
  let transport: Transport;
  let client: AxiosInstance;

  before(async () => {
    origin = await startOrigin({ tls: true });
    transport = new Transport({ tls: { ca: origin.ca } });
    client = axios.create({
      adapter: 'fetch',
      baseURL: origin.origin,
      env: { fetch: transport.fetch },
    });
  });

  after(async () => {
    await transport.close({ timeout: 1_000 });
    await origin.close();
  });

  test('gets text and sends JSON, over HTTP/2', async () => {
    assert.equal((await client.get<string>('/hello.txt')).data, 'hello\n');
    assert.deepEqual((await client.post<unknown>('/echo', { a: 1 })).data, { a: 1 });
    assert.equal(origin.sessionCount, 1);
    assert.ok(origin.streamCount >= 2);
  });

  test('gives an error status as an AxiosError', async () => {
    const error = await client.get('/status/404').then(
      () => assert.fail('it was answered'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof AxiosError);
    assert.equal(error.response?.status, 404);
  });

  test('is aborted by its signal and by its time-out', async () => {
    await assert.rejects(client.get('/silent', { timeout: 40 }), { code: 'ETIMEDOUT' });
    const controller = new AbortController();
    const call = client.get('/silent', { signal: controller.signal });
    controller.abort();
    await assert.rejects(call, { name: 'CanceledError' });
  });
});
