/** Several connections under one limit of what unread bodies may hold, in legal traffic at random. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BufferBudget } from '../../dist/protocol/index.js';
import { frame, harness, type Call, type Harness } from '../support/harness.js';
import { flag, type as frameType } from '../support/raw-server.js';

/** What each connection may have, whatever the others have (RFC 9113 section 6.9.2). */
const own = 65_535;

/** Credit goes out in steps of this size. */
const step = 16_384;

const actions = [
  'data',
  'data',
  'data',
  'data',
  'read',
  'read',
  'read all',
  'cancel',
  'wait',
  'dial',
  'close',
] as const;

type Act = readonly [what: (typeof actions)[number], pick: number, size: number];

interface Line {
  readonly h: Harness;
  readonly calls: Call[];
  /** How often it had asked to be written when it last was. */
  written: number;
  /** Of a frame under way, so many bytes are still to come. */
  coming: number;
  closed: boolean;
}

class Network {
  readonly budget: BufferBudget;
  readonly lines: Line[] = [];

  constructor(limit: number) {
    this.budget = new BufferBudget(limit);
  }

  dial(): void {
    const h = harness({ window: 1 << 24, config: { budget: this.budget, idleTimeout: 0, readIdleTimeout: 0 } }).greet();
    const calls = Array.from({ length: 3 }, () => h.get('/'));
    h.pump();
    for (const call of calls) h.peer.headers(call, 200);
    this.lines.push({ h, calls, written: -1, coming: 0, closed: false });
  }

  act([what, pick, size]: Act): void {
    const { lines } = this;
    if (what === 'dial' && lines.length < 8) return this.dial();
    const line = lines[pick % lines.length]!;
    const call = line.calls[size % line.calls.length]!;
    if (what === 'data' && !line.closed) this.data(line, call, size);
    else if (what === 'read') call.read(Math.min(call.unread, size));
    else if (what === 'read all') for (const one of line.calls) one.read();
    else if (what === 'cancel' && !line.closed && pick % 4 === 0) call.reset();
    else if (what === 'wait') line.h.now += size / 1_000;
    else if (what === 'close' && pick % 8 === 0) this.close(line);
  }

  /** A frame in two parts, with or without padding, also for a stream that we have cancelled. */
  private data(line: Line, call: Call, size: number): void {
    const { h } = line;
    const length = Math.min(size, h.connectionWindow, 16_384);
    const padding = size % 5 === 0 && length > 2 ? size % Math.min(length, 255) : -1;
    const payload = Buffer.alloc(length);
    if (padding >= 0) payload[0] = padding;
    const bytes = frame(frameType.data, padding >= 0 ? flag.padded : 0, call.id, payload);
    const at = 9 + (size % (length + 1));
    h.connectionWindow -= length;
    h.peer.bytes(bytes.subarray(0, at));
    line.coming = bytes.length - at;
    this.check();
    line.coming = 0;
    h.peer.bytes(bytes.subarray(at));
  }

  private close(line: Line): void {
    line.closed = true;
    line.h.peer.close();
  }

  /** Writes what those have to write that have said so, and only those. */
  write(): void {
    for (let more = true; more;) {
      more = false;
      for (const line of this.lines) {
        if (line.h.outputs === line.written) continue;
        line.written = line.h.outputs;
        line.h.pump();
        line.h.discard();
        more = true;
      }
    }
  }

  check(): void {
    const { limit, held } = this.budget;
    let unread = 0;
    let total = 0;
    let connections = 0;
    for (const line of this.lines) {
      const { h, coming, closed } = line;
      const { credit } = h.view;
      assert.equal(h.failure === undefined, !closed, 'legal traffic ends no connection');
      assert.equal(credit.available + credit.owed, credit.target, 'connection credit is conserved');
      const its = unreadOf(line);
      unread += its;
      const claimed = its + (closed ? 0 : h.connectionWindow + coming);
      total += claimed;
      if (claimed > 0 || !closed) connections++;
    }
    assert.equal(held, unread, 'the budget holds what is unread');
    const most = Math.max(limit, own) + own * Math.max(0, connections - 1);
    assert.ok(total <= most, `${total} bytes are held or may come at once, where ${most} may`);
  }

  /** After what was to be written is: credit is withheld at the limit, and only from who has used up its own part. */
  checkProgress(): void {
    const rest = this.lines.reduce((left, line) => left - Math.max(0, claimedBy(line) - own), this.budget.limit - own);
    for (const line of this.lines) {
      const { credit } = line.h.view;
      if (line.closed || credit.owed * 2 < credit.target) continue;
      const room = Math.max(0, own - claimedBy(line)) + Math.max(0, rest);
      assert.ok(room < step, `credit is withheld although there is room for ${room} bytes`);
      assert.ok(unreadOf(line) > 0 || line.h.connectionWindow >= own / 2 - 1, 'only unread bodies hold it up');
    }
  }
}

function unreadOf({ calls }: Line): number {
  return calls.reduce((sum, { unread }) => sum + unread, 0);
}

function claimedBy(line: Line): number {
  return unreadOf(line) + (line.closed ? 0 : line.h.connectionWindow);
}

const act: fc.Arbitrary<Act> = fc.tuple(
  fc.constantFrom(...actions),
  fc.nat(1_000),
  fc.oneof(fc.nat(100), fc.nat(40_000)),
);

test('connections together hold no more than the limit and 64 KiB for each, conserve credit, and go on when somebody reads', () => {
  const limits = fc.constantFrom(1_000, 65_535, 70_000, 100_000, 300_000, 1 << 20);
  fc.assert(
    fc.property(limits, fc.array(act, { maxLength: 400, size: 'max' }), (limit, acts) => {
      const network = new Network(limit);
      network.dial();
      network.dial();
      for (const one of acts) {
        network.act(one);
        network.check();
        network.write();
        network.check();
        network.checkProgress();
      }
      for (const line of network.lines) {
        for (const call of line.calls) call.read();
        network.write();
        network.checkProgress();
        assert.ok(line.closed || line.h.connectionWindow >= own / 2 - 1, 'what reads all that it has gets more');
      }
      for (const { h } of network.lines) h.peer.close();
      assert.deepEqual([network.budget.held, network.budget.starved], [0, 0]);
      assert.equal(network.budget.left, Math.max(0, limit - own), 'nothing has leaked');
    }),
    { numRuns: 200 },
  );
});
