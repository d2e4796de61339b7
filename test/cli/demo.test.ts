import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, sha256 } from '../../dist/cli/demo/content.js';
import { perform, workOf } from '../../dist/cli/demo/load.js';
import { Recorder } from '../../dist/cli/demo/recorder.js';
import type { Transport } from '../../dist/index.js';
import { FrameType } from '../../dist/wire/constants.js';

/** A transport whose answer is always this one. */
function answering(answer: { status?: number; body: Uint8Array; trailers?: Record<string, string> }): Transport {
  const response = {
    status: answer.status ?? 200,
    body: {
      bytes: () => Promise.resolve(answer.body),
      json: () => Promise.resolve(JSON.parse(Buffer.from(answer.body).toString())),
    },
    trailers: Promise.resolve(new Headers(answer.trailers)),
  };
  return { request: () => Promise.resolve(response) } as unknown as Transport;
}

function asks(transport: Transport, kind: 'download' | 'upload' | 'echo' | 'trailers'): Promise<void> {
  return perform(transport, 'https://a', { n: 7, kind, size: 100 }, 1_000);
}

const body = contentOf(7, 100);
const trailers = { 'x-bytes': '100', 'x-sha256': sha256(body) };
const receipt = (bytes: number, digest: string): Buffer => Buffer.from(JSON.stringify({ bytes, sha256: digest }));

test('an answer that is right in everything counts as done', async () => {
  await asks(answering({ body }), 'download');
  await asks(answering({ body, trailers }), 'trailers');
  await asks(answering({ body, trailers }), 'echo');
  await asks(answering({ body: receipt(100, sha256(body)) }), 'upload');
});

test('a wrong status, a short body, the body of a neighbour and missing trailers all count as failed', async () => {
  await assert.rejects(asks(answering({ status: 500, body }), 'download'), /status is 500/);
  await assert.rejects(asks(answering({ body: body.subarray(1) }), 'download'), /length of the body is 99/);
  await assert.rejects(asks(answering({ body: contentOf(8, 100), trailers }), 'echo'), /not the one that was sent/);
  await assert.rejects(asks(answering({ body }), 'trailers'), /x-bytes is null/);
  await assert.rejects(asks(answering({ body, trailers: { ...trailers, 'x-sha256': '' } }), 'trailers'), /x-sha256/);
  await assert.rejects(asks(answering({ body: receipt(99, sha256(body)) }), 'upload'), /bytes that arrived is 99/);
  await assert.rejects(asks(answering({ body: receipt(100, '') }), 'upload'), /digest/);
});

test('the mix has every kind of request with every size', () => {
  const seen = new Set(Array.from({ length: 500 }, (_, n) => `${workOf(n).kind} ${workOf(n).size}`));
  assert.equal(seen.size, 4 * 11);
});

test('the recorder knows from the frames which connection carries a request', async () => {
  const recorder = new Recorder();
  let end = (): void => undefined;
  const run = recorder.run(12, 'during', 60_000, () => new Promise((resolve) => (end = resolve)));
  const carrier = recorder.connectionOf(12);
  assert.equal(recorder.pendingElsewhere(3), 1, 'nobody carries it yet');
  const frame = {
    connection: 3,
    direction: 'sent',
    type: FrameType.Headers,
    flags: 4,
    streamId: 1,
    length: 9,
  } as const;
  recorder.frame({ ...frame, fields: [':method', 'GET', ':path', '/bytes/9?n=12'], time: 0 });
  assert.equal(await carrier, 3);
  assert.equal(await recorder.connectionOf(12), 3, 'whenever it is asked');
  assert.equal(recorder.pendingElsewhere(3), 0);
  assert.equal(recorder.pendingElsewhere(4), 1);
  end();
  await run;
  assert.equal(recorder.done, 1);
  assert.equal(await recorder.connectionOf(12), 3, 'and when it has ended');
  assert.equal(recorder.pendingElsewhere(4), 0);
});

test('a request that never settles is a failure, and does not hang the run', async () => {
  const recorder = new Recorder();
  const run = recorder.run(1, 'before', 5, () => new Promise(() => undefined));
  const carrier = recorder.connectionOf(1);
  await run;
  assert.equal(recorder.failed, 1);
  assert.match(String(recorder.samples[0]?.error), /not settled after 5 ms/);
  assert.equal(await carrier, undefined);
});
