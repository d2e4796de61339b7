/** Abort at every stage, always with the signal's own reason (Fetch Standard, sections 5.6 and 2.2.6). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { origin, setup, client } from './support.js';

const reason = new Error('enough');
const same = (error: unknown): boolean => {
  assert.equal(error, reason);
  return true;
};

test('a signal that is aborted already rejects with its reason, before anything is sent', async (t) => {
  const server = await origin(t);
  const { fetch } = client(t);
  const body = new ReadableStream({ cancel: (why) => assert.equal(why, reason) });
  const init = { method: 'POST', body, duplex: 'half', signal: AbortSignal.abort(reason) } as RequestInit;
  await assert.rejects(fetch(`${server.origin}/echo`, init), same);
  assert.equal(server.streamCount, 0);
});

test("an abort without a reason rejects with Node's AbortError, a time-out with its TimeoutError", async (t) => {
  const { fetch, at } = await setup(t);
  const controller = new AbortController();
  const pending = fetch(`${at}/silent`, { signal: controller.signal });
  controller.abort();
  await assert.rejects(pending, { name: 'AbortError' });
  await assert.rejects(fetch(`${at}/silent`, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
});

test('while it waits for the response', async (t) => {
  const server = await origin(t);
  const { fetch } = client(t);
  const controller = new AbortController();
  const pending = fetch(`${server.origin}/silent`, { signal: controller.signal });
  while (server.openStreams === 0) await new Promise(setImmediate);
  controller.abort(reason);
  await assert.rejects(pending, same);
  while (server.openStreams > 0) await new Promise(setImmediate);
});

test('while the body is being sent, whose stream is then cancelled with the reason', async (t) => {
  const { fetch, at } = await setup(t);
  const controller = new AbortController();
  const cancelled = new Promise((resolve) => {
    const body = new ReadableStream({
      start: (sink) => sink.enqueue(new Uint8Array(10)),
      cancel: resolve,
    });
    const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit;
    void assert.rejects(fetch(`${at}/count`, init), same);
    setTimeout(() => controller.abort(reason), 20);
  });
  assert.equal(await cancelled, reason);
});

test('while the stream of a Request is being sent, which is then cancelled', async (t) => {
  const server = await origin(t);
  const { fetch } = client(t);
  const controller = new AbortController();
  let cancel = (): void => undefined;
  const cancelled = new Promise<void>((resolve) => (cancel = resolve));
  const body = new ReadableStream({ start: (sink) => sink.enqueue(new Uint8Array(10)), cancel });
  const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit;
  const refused = assert.rejects(fetch(new Request(`${server.origin}/count`, init)), same);
  while (server.openStreams === 0) await new Promise(setImmediate);
  controller.abort(reason);
  await Promise.all([refused, cancelled]);
});

test('an abort of what a Request was made with comes through, though nobody holds the Request any more', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { fetch, at } = await setup(t);
  const begin = (path: string, signal: AbortSignal): Promise<Response> => fetch(new Request(at + path, { signal }));
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      await new Promise(setImmediate);
      collect();
    }
  };
  const [waiting, reading] = [new AbortController(), new AbortController()];
  const pending = begin('/silent', waiting.signal);
  const body = (await begin('/endless', reading.signal)).text();
  await turns();
  waiting.abort(reason);
  reading.abort(reason);
  await assert.rejects(pending, same);
  await assert.rejects(body, same);
});

test("a Request's own signal counts, and an init's takes its place, also where that is null", async (t) => {
  const { fetch, at } = await setup(t);
  const aborted = new Request(`${at}/hello.txt`, { signal: AbortSignal.abort(reason) });
  await assert.rejects(fetch(aborted), same);
  assert.equal((await fetch(aborted, { signal: null })).status, 200);
  assert.equal((await fetch(aborted, { signal: new AbortController().signal })).status, 200);
});

test('between redirects', async (t) => {
  const { fetch, at } = await setup(t);
  const controller = new AbortController();
  const pending = fetch(`${at}/redirect/302?to=/silent`, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 30);
  await assert.rejects(pending, same);
});

describe('after the response', () => {
  for (const how of ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const) {
    test(`${how}() under way rejects`, async (t) => {
      const { fetch, at } = await setup(t);
      const controller = new AbortController();
      const response = await fetch(`${at}/endless`, { signal: controller.signal });
      const reading = response[how]();
      controller.abort(reason);
      await assert.rejects(reading, same);
    });

    test(`${how}() begun afterwards rejects, also where all had arrived`, async (t) => {
      const { fetch, at } = await setup(t);
      for (const path of ['/endless', '/hello.txt']) {
        const controller = new AbortController();
        const response = await fetch(at + path, { signal: controller.signal });
        controller.abort(reason);
        await assert.rejects(response[how](), same);
        assert.equal(response.bodyUsed, true);
      }
    });
  }

  test('a pending read of the stream rejects, and so does every later one', async (t) => {
    const { fetch, at } = await setup(t);
    const controller = new AbortController();
    const reader = (await fetch(`${at}/endless`, { signal: controller.signal })).body!.getReader();
    await reader.read();
    const pending = reader.read();
    controller.abort(reason);
    await assert.rejects(pending, same);
    await assert.rejects(reader.read(), same);
    await assert.rejects(reader.closed, same);
  });

  test('a clone is aborted as well', async (t) => {
    const { fetch, at } = await setup(t);
    const controller = new AbortController();
    const response = await fetch(`${at}/endless`, { signal: controller.signal });
    const clone = response.clone();
    const readings = [response.text(), clone.text()];
    controller.abort(reason);
    for (const reading of readings) await assert.rejects(reading, same);
  });

  test('what was read stays read', async (t) => {
    const { fetch, at } = await setup(t);
    const controller = new AbortController();
    const response = await fetch(`${at}/hello.txt`, { signal: controller.signal });
    assert.equal(await response.text(), 'hello\n');
    controller.abort(reason);
    assert.equal(response.bodyUsed, true);
  });

  test('a hundred fetches that share a signal cause no warning', async (t) => {
    const { fetch, at } = await setup(t);
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const { signal } = new AbortController();
    const all = await Promise.all(Array.from({ length: 100 }, () => fetch(`${at}/hello.txt`, { signal })));
    await Promise.all(all.map((response) => response.text()));
    await new Promise(setImmediate);
    assert.deepEqual(warnings, []);
  });
});
