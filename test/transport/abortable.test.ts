import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortable } from '../../dist/abortable.js';

/** Work that has begun, its promise, and how it was ended: resolved or not, once each time that it was. */
function work(signal?: AbortSignal): {
  promise: Promise<number>;
  resolve: (value: number) => void;
  reject: (error: unknown) => void;
  ends: boolean[];
} {
  const ends: boolean[] = [];
  const held: { resolve?: (value: number) => void; reject?: (error: unknown) => void } = {};
  const promise = abortable<number>(signal, (resolve, reject) => {
    Object.assign(held, { resolve, reject });
    return (resolved) => ends.push(resolved);
  });
  return { promise, resolve: (value) => held.resolve?.(value), reject: (error) => held.reject?.(error), ends };
}

test('work that can be given up is ended once, whichever way its promise is settled', async () => {
  const controller = new AbortController();
  const [done, failed, aborted] = [work(), work(controller.signal), work(controller.signal)];
  done.resolve(1);
  done.reject(new Error('late'));
  failed.reject(new Error('no'));
  controller.abort(new Error('enough'));
  failed.resolve(2);
  aborted.resolve(3);
  assert.equal(await done.promise, 1);
  await assert.rejects(failed.promise, /^Error: no$/);
  await assert.rejects(aborted.promise, /^Error: enough$/);
  assert.deepEqual([done.ends, failed.ends, aborted.ends], [[true], [false], [false]]);
});

test('work that is over as soon as it has begun is ended all the same', async () => {
  const ends: boolean[] = [];
  const promise = abortable<string>(undefined, (resolve) => {
    resolve('at once');
    return (resolved) => ends.push(resolved);
  });
  assert.deepEqual([await promise, ends], ['at once', [true]]);
});

test('work whose signal is aborted before, or that throws, rejects', async () => {
  const begun: string[] = [];
  const none = abortable(AbortSignal.abort(new Error('before')), () => {
    begun.push('it');
    return () => undefined;
  });
  await assert.rejects(none, /^Error: before$/);
  assert.deepEqual(begun, []);
  const thrown = abortable(undefined, () => {
    throw new Error('thrown');
  });
  await assert.rejects(thrown, /^Error: thrown$/);
});
