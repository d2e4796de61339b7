import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferBudget } from '../../dist/protocol/index.js';
import { frame, harness, uint32, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

function upload(h: Harness, size: number, ends = true): Call {
  const r = h.post('/up');
  h.expect.headers(r);
  r.send(Buffer.alloc(size, 0x61), ends);
  return r;
}

// --- F.2: receiving ---

test('credit is announced once half the window is owed, not byte by byte', () => {
  const h = harness({ window: 100 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, 60);
  r.read(39);
  h.expect.quiet('39 owed, 40 left');
  r.read(1);
  h.expect.credit(r, 40, 'as much is owed as is left');
  h.peer.data(r, 80);
  r.read(100);
  h.expect.credit(r, 100, 'a window of 0 is refreshed');
  h.finish();
});

test('a window of 0 is refreshed by a single byte', () => {
  const h = harness({ window: 100 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, 100);
  r.read(1);
  h.expect.credit(r, 1, 'the peer is waiting');
  r.read();
  h.expect.credit(r, 99, 'the rest');
  h.finish();
});

test('RFC 9113 6.9.1: DATA over the stream window ends the connection, padding and its length byte included', () => {
  for (const padded of [false, true]) {
    const h = harness({ window: 100 }).greet();
    const r = h.get('/');
    h.expect.headers(r, { end: true });
    h.peer.headers(r, 200);
    if (padded) h.peer.padded(r, 'x'.repeat(90), 10);
    else h.peer.data(r, 101);
    h.expect.goAway(3, 'FLOW_CONTROL_ERROR');
    assert.equal(r.body, '', 'nothing of it is stored');
    assert.equal(r.error?.errorCode, 'FLOW_CONTROL_ERROR');
  }
});

test('DATA over the connection window ends the connection, whoever it is for', () => {
  const h = harness({ connectionWindow: 65_535, maxBuffered: 65_535 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, 65_535);
  h.expect.quiet('the budget is spent, so no credit returns');
  assert.equal(h.failure, undefined);
  h.peer.data(r, 1);
  h.expect.goAway(3, 'FLOW_CONTROL_ERROR');
  assert.equal(r.body.length, 65_535);
});

test('a window used to the last byte is no error, nor is empty DATA after it', () => {
  const h = harness({ window: 100 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.padded(r, 'x'.repeat(89), 10);
  h.peer.data(r, '');
  h.peer.data(r, '', true);
  assert.deepEqual([r.ended, h.failure], [true, undefined]);
  r.read();
  h.finish();
});

test('after the end and after a reset only the connection gets credit', () => {
  const h = harness({ window: 60_000, connectionWindow: 65_535 }).greet();
  const [ended, cancelled] = [h.get('/1'), h.get('/2')] as const;
  for (const r of [ended, cancelled]) {
    h.expect.headers(r, { end: true });
    h.peer.headers(r, 200);
  }
  h.peer.data(ended, 20_000, true);
  h.peer.data(cancelled, 20_000);
  h.expect.connectionCredit(40_000, 'on receipt');
  ended.read();
  h.expect.quiet('the stream has ended');
  cancelled.read(1);
  cancelled.reset();
  cancelled.read();
  h.expect.reset(cancelled, 8, 'CANCEL and no WINDOW_UPDATE');
  h.finish();
});

test('DATA for a stream that we reset returns its connection credit, however much there is', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  r.reset();
  h.expect.reset(r, 8, 'CANCEL');
  let credit = 0;
  for (let i = 0; i < 20; i++) {
    h.peer.data(r, 30_000);
    while (h.pending.length > 0) {
      credit += h.expect.frame(frameType.windowUpdate, 0, 'connection credit and nothing else').payload.readUInt32BE(0);
    }
  }
  assert.ok(credit > 500_000);
  assert.equal(r.body, '');
  h.finish();
});

test('padding that comes in a later chunk than its data is counted once', () => {
  const h = harness({ window: 1_000 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  const payload = Buffer.concat([Buffer.of(99), Buffer.alloc(400, 0x61), Buffer.alloc(99)]);
  h.connectionWindow -= payload.length;
  for (const byte of frame(frameType.data, flag.padded, r.id, payload)) h.peer.bytes(Buffer.of(byte));
  assert.equal(r.body, 'a'.repeat(400));
  assert.equal(r.stream.recvWindow, 500);
  r.read();
  h.expect.credit(r, 500, 'data, padding and its length byte');
  h.finish();
});

// --- the budget of unread bodies ---

/** Fills the window, and then what the budget has left: nothing more comes until somebody reads. */
function spend(h: Harness, r: Call, first: number, then: number): void {
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  h.peer.data(r, first);
  if (then > 0) h.expect.connectionCredit(then, 'as much as the budget has left');
  h.peer.data(r, then);
  h.expect.quiet('the budget is spent');
}

test('at the budget connection credit stops, and one read brings it back', () => {
  const h = harness({ window: 1 << 20, connectionWindow: 131_072, maxBuffered: 131_072 }).greet();
  assert.equal(h.connectionWindow, 81_919, 'its own 65,535, and a quarter of the rest');
  const r = h.get('/');
  spend(h, r, 81_919, 49_153);
  assert.deepEqual([h.budget.held, h.budget.starved], [131_072, 1]);
  r.read(10_000);
  h.expect.quiet('a small read is not worth a frame yet');
  r.read(40_000);
  h.expect.connectionCredit(50_000, 'as much as the budget has room for');
  r.read();
  assert.equal(h.budget.held, 0);
  assert.equal(h.budget.starved, 0, 'what is still owed is below half the window, and comes with the next bytes');
  h.peer.data(r, 50_000, true);
  h.expect.connectionCredit(81_072, 'what the unread 50,000 leave room for');
  r.read();
  h.expect.quiet('too little is owed');
  h.finish();
});

test("a connection whose credit is withheld goes on when another connection's bodies are read", () => {
  const budget = new BufferBudget(131_072);
  const options = { window: 1 << 20, connectionWindow: 131_072, config: { budget } };
  const [one, two] = [harness(options).greet(), harness(options).greet()] as const;
  assert.equal(two.connectionWindow, 65_535 + 6_144, 'half of what the first would have had of what it left');
  const calls = [one.get('/'), two.get('/')] as const;
  spend(one, calls[0], 81_919, 43_009);
  spend(two, calls[1], 71_679, 0);
  assert.equal(budget.starved, 2);
  assert.equal(budget.held, 131_072 + 65_535, 'the limit, and the own part of one more connection');
  const woken = two.outputs;
  calls[0].read();
  assert.ok(two.outputs > woken, 'the other connection is told that it may have something to write');
  two.expect.connectionCredit(59_393, 'what the first held, but for its own part');
  one.expect.connectionCredit(65_535, 'which is left to it');
  calls[1].read();
  assert.deepEqual([budget.held, budget.starved], [0, 0]);
  for (const h of [one, two]) h.finish();
});

test('where the budget is spent a connection goes on with the 65,535 bytes that are its own, as they are read', () => {
  const budget = new BufferBudget(200_000);
  const [full, other] = [harness({ window: 1 << 20, config: { budget } }).greet(), harness({ config: { budget } })];
  const unread = full.get('/');
  full.expect.headers(unread, { end: true });
  full.peer.headers(unread, 200);
  while (full.connectionWindow > 0) {
    full.peer.data(unread, full.connectionWindow);
    full.pump();
  }
  full.discard();
  other.greet();
  const r = other.get('/');
  other.expect.headers(r, { end: true });
  other.peer.headers(r, 200);
  for (let got = 0; got < 1_000_000;) {
    const size = Math.min(other.connectionWindow, r.stream.recvWindow);
    assert.ok(size >= 32_767, `a window of ${size} after ${got} bytes`);
    other.peer.data(r, size);
    got += size;
    r.read();
    other.pump();
    assert.ok(budget.held + other.connectionWindow <= 265_535, `${other.connectionWindow} beside ${budget.held}`);
  }
});

test('a new connection begins with less where there are more, and leaves some for those that come', () => {
  const budget = new BufferBudget(67_108_864);
  const windows = Array.from({ length: 100 }, () => harness({ config: { budget } }).greet().connectionWindow);
  assert.deepEqual(
    windows.slice(0, 4).map((window) => Math.round(window / 1_048_576)),
    [16, 6, 4, 2],
  );
  assert.ok(windows.every((window, i) => i === 0 || window < windows[i - 1]!));
  assert.ok(budget.left > 16_000_000, `${budget.left} are left beside 100 that nobody uses`);
});

test('a window that closes with its connection is there for others', () => {
  const budget = new BufferBudget(67_108_864);
  const before = budget.left;
  const [lost, drained] = [harness({ config: { budget } }).greet(), harness({ config: { budget } }).greet()];
  lost.peer.close();
  drained.connection.goAway(drained.now);
  assert.equal(drained.drained, true);
  drained.peer.close();
  assert.equal(budget.left, before);
});

test('a connection with more than its share gives some up as it is used, when there is little left for others', () => {
  const budget = new BufferBudget(1 << 20);
  const [large, small] = [harness({ window: 1 << 20, config: { budget } }), harness({ config: { budget } })] as const;
  const measured = (h: Harness): Call => {
    h.greet();
    h.connection.ping(h.now);
    const ping = h.expect.ping('to measure a round trip');
    h.now += 50;
    h.peer.pong(ping);
    const r = h.get('/');
    h.peer.headers(r, 200);
    return r;
  };
  const use = (h: Harness, r: Call, rounds: number): void => {
    for (let i = 0; i < rounds; i++) {
      h.now += 50;
      h.peer.data(r, Math.min(h.connectionWindow, r.stream.recvWindow));
      r.read();
      h.pump();
    }
  };
  const [one, two] = [measured(large), measured(small)];
  use(large, one, 50);
  const grownTo = large.view.credit.target;
  const before = small.connectionWindow;
  assert.ok(grownTo > 700_000, `it has grown to ${grownTo} while it was alone, and leaves ${budget.left}`);
  for (let i = 0; i < 30; i++) {
    use(large, one, 1);
    use(small, two, 1);
  }
  const { target } = large.view.credit;
  assert.ok(target < 0.9 * grownTo, `${target} are left to it, of ${grownTo}`);
  assert.ok(small.connectionWindow > 1.5 * before, `from ${before} to ${small.connectionWindow}`);
});

test('a connection that ends waits for no budget, and its bytes leave it as they are read', () => {
  const h = harness({ window: 1 << 20, connectionWindow: 131_072, maxBuffered: 131_072 }).greet();
  const r = h.get('/');
  spend(h, r, 81_919, 49_153);
  h.peer.close();
  assert.deepEqual([h.budget.starved, h.budget.held], [0, 131_072]);
  r.read();
  assert.deepEqual([h.budget.held, h.budget.left], [0, 65_537]);
});

test('a budget below the protocol’s own initial window still lets a body through', () => {
  const h = harness({ window: 65_535, connectionWindow: 65_535, maxBuffered: 1_000 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  let got = 0;
  for (let i = 0; i < 300 && got < 200_000; i++) {
    const room = Math.min(h.connectionWindow, 16_384);
    assert.ok(room > 0, `the connection window is open after ${got} bytes`);
    h.peer.data(r, room);
    got += room;
    h.pump();
    r.read();
    h.pump();
  }
  const { credit } = h.view;
  assert.equal(credit.available + credit.owed, credit.target);
  assert.equal(credit.available, h.connectionWindow);
});

test('windows grow for a reader who keeps up, never beyond their limits, and never shrink', () => {
  const h = harness({ config: { initialStreamWindow: 65_535, maxStreamWindow: 200_000 }, connectionWindow: 65_535 });
  h.greet();
  h.now += 10;
  h.connection.ping(h.now);
  const ping = h.expect.ping('to measure a round trip');
  h.now += 50;
  h.peer.pong(ping);
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  let before = 0;
  for (let i = 0; i < 100; i++) {
    h.now += 1;
    h.peer.data(r, Math.min(h.connectionWindow, r.stream.recvWindow, 16_384));
    r.read();
    h.pump();
    assert.ok(r.stream.recvTarget >= before);
    before = r.stream.recvTarget;
  }
  assert.equal(before, 200_000);
  assert.equal(r.stream.recvWindow + r.stream.owed, 200_000);
  assert.equal(h.view.credit.target, 65_535);
  assert.equal(h.view.credit.available, h.connectionWindow);
});

test('windows grow where the clock stood still until the ACK of our SETTINGS', () => {
  const config = { initialStreamWindow: 100, maxStreamWindow: 200_000, dialTime: 30 };
  const h = harness({ config, window: 100 }).greet();
  const r = h.get('/');
  h.expect.headers(r, { end: true });
  h.peer.headers(r, 200);
  for (let i = 0; i < 20; i++) {
    h.now += 10;
    h.peer.data(r, Math.min(h.connectionWindow, r.stream.recvWindow));
    r.read();
    h.pump();
  }
  assert.equal(r.stream.recvTarget, 200_000);
  assert.equal(h.view.liveness.roundTrip, 30, 'the dial took a round trip at least');
});

test('a WINDOW_UPDATE that opens nothing more than a reset stream is harmless', () => {
  const h = harness().greet({ initialWindowSize: 0 });
  const r = upload(h, 10);
  h.expect.quiet('no window');
  h.peer.bytes(
    Buffer.concat([
      frame(frameType.rstStream, 0, r.id, uint32(7)),
      frame(frameType.windowUpdate, 0, r.id, uint32(100)),
      frame(frameType.windowUpdate, 0, 0, uint32(100)),
    ]),
  );
  h.expect.quiet('the stream is over');
  assert.deepEqual([r.error?.errorCode, r.error?.unprocessed], ['REFUSED_STREAM', true]);
  h.finish();
});
