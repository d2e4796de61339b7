/** Silly windows (RFC 1122 section 4.2.3.4): credit that comes in crumbs is gathered, and nobody waits for what cannot come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harness, type Call, type Harness } from '../support/harness.js';

/** An upload that has used up the window of its stream, and has a roomy connection. */
function shortOfWindow(h: Harness, size: number): Call {
  h.peer.windowUpdate(0, 1 << 24);
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(size, 0x61), true);
  h.pump();
  h.discard();
  return r;
}

const some = (bytes: number): string => 'a'.repeat(bytes);

test('credit of 8 bytes at a time goes out as DATA of 1,024', () => {
  const h = harness().greet();
  const r = shortOfWindow(h, 100_000);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 127; i++) {
      h.peer.windowUpdate(r.id, 8);
      h.expect.quiet('more may come');
    }
    h.peer.windowUpdate(r.id, 8);
    h.expect.data(r, some(1_024), false);
  }
  h.finish();
});

test('credit for the connection in crumbs is gathered too, and the streams that wait for it go on by turns', () => {
  const h = harness().greet({ initialWindowSize: 100_000 });
  const first = h.post('/first');
  h.expect.headers(first);
  first.send(Buffer.alloc(65_535, 0x61), false);
  h.pump();
  h.discard();
  const [one, two] = [h.post('/one'), h.post('/two')];
  for (const r of [one, two]) {
    h.expect.headers(r);
    r.send(Buffer.alloc(5_000, 0x61), false);
  }
  h.expect.quiet('the window is 0');
  for (const r of [one, two, one]) {
    h.peer.windowUpdate(0, 500);
    h.expect.quiet('more may come');
    h.peer.windowUpdate(0, 524);
    h.expect.data(r, some(1_024), false);
  }
  h.finish();
});

test('what nothing is added to for 100 ms goes out as it is', () => {
  const h = harness().greet();
  const r = shortOfWindow(h, 100_000);
  for (const bytes of [8, 500]) {
    h.peer.windowUpdate(r.id, bytes);
    h.expect.quiet('more may come');
    assert.equal(h.connection.nextDeadline(), h.now + 100);
    h.now += 100;
    h.connection.tick(h.now);
    h.expect.data(r, some(bytes), false);
  }
  h.peer.windowUpdate(r.id, 8);
  h.expect.quiet('the next waits again');
  h.finish();
});

test('a peer whose whole window is small gets what half of it holds, at once', () => {
  const h = harness().greet({ initialWindowSize: 16 });
  const r = shortOfWindow(h, 100);
  for (let i = 0; i < 3; i++) {
    h.peer.windowUpdate(r.id, 8);
    h.expect.data(r, some(8), false);
  }
  h.finish();
});

test('the end of a body waits for nothing', () => {
  const h = harness().greet();
  const r = shortOfWindow(h, 65_535 + 8);
  h.peer.windowUpdate(r.id, 8);
  h.expect.data(r, some(8), true);
  h.finish();
});

test('an upload that is over while its DATA waits leaves nothing that is due', () => {
  const h = harness().greet();
  const r = shortOfWindow(h, 100_000);
  h.peer.windowUpdate(r.id, 8);
  h.pump();
  assert.equal(h.connection.nextDeadline(), h.now + 100);
  h.peer.reset(r, 0);
  assert.ok(h.connection.nextDeadline() > h.now + 100);
});

test('credit byte by byte is no flood, however fast it comes', () => {
  const h = harness().greet();
  const r = shortOfWindow(h, 200_000);
  for (let i = 0; i < 100_000; i++) {
    h.peer.windowUpdate(r.id, 1);
    h.pump();
  }
  assert.equal(h.failure, undefined);
  const { chunk, chunkAt } = r.stream.outgoing!;
  assert.equal(Math.floor((200_000 - 65_535 - (chunk!.length - chunkAt)) / 1_024), 97);
  h.discard();
});
