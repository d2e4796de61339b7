import assert from 'node:assert/strict';
import type { TransportError } from '../../dist/errors.js';
import { BufferBudget, Connection, type Stream, type StreamSink } from '../../dist/protocol/index.js';
import { insideOf } from '../support/harness.js';
import { OutputChecker } from './output-checker.js';

/** One request, and that it hears of its end once. */
export class Exchange implements StreamSink {
  stream!: Stream;
  headers = false;
  ended = false;
  failed = false;
  resetByUs = false;
  unread = 0;
  sent = false;

  onInformational(status: number): void {
    this.alive('a 1xx response');
    assert.ok(status >= 100 && status < 200 && !this.headers);
  }

  onHeaders(status: number, _fields: string[], _endStream: boolean): void {
    this.alive('headers');
    assert.ok(!this.headers && status >= 200 && status <= 999);
    this.headers = true;
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.alive('data');
    assert.ok(this.headers && !this.ended && end > start && end <= bytes.length);
    this.unread += end - start;
  }

  onEnd(_trailers: string[] | undefined): void {
    this.alive('the end');
    assert.ok(this.headers && !this.ended, 'a body ends once, after its headers');
    this.ended = true;
  }

  onSent(): void {
    assert.ok(!this.sent, 'a request is sent once');
    this.sent = true;
  }

  onDrain(): void {
    assert.ok(!this.sent);
  }

  onFailed(_error: TransportError): void {
    this.alive('a failure');
    this.failed = true;
  }

  private alive(what: string): void {
    assert.ok(!this.failed && !this.resetByUs, `${what} after the end of the stream`);
  }
}

const patience = {
  stallTimeout: 100,
  probeAfter: 1_000,
  readIdleTimeout: 15_000,
  pingTimeout: 15_000,
  writeTimeout: 60_000,
  idleTimeout: 90_000,
};

/** A connection between a client and a peer that does anything, and what must hold whatever that is. */
export class World {
  now = 1_000;
  readonly exchanges: Exchange[] = [];
  readonly connection: Connection;
  readonly budget: BufferBudget;
  readonly output = new OutputChecker();
  failure: TransportError | undefined = undefined;
  writing = false;
  readonly headerLimit: number;

  constructor(shape: number) {
    const small = (shape & 1) !== 0;
    this.headerLimit = small ? 1_024 : 16_384;
    this.budget = new BufferBudget((shape & 2) !== 0 ? 4_096 : 1_048_576);
    this.connection = new Connection(
      {
        ...patience,
        origin: 'https://fuzz.example',
        headerTableSize: (shape & 4) !== 0 ? 256 : 4_096,
        encoderTableSize: 4_096,
        initialStreamWindow: small ? 1_000 : 65_535,
        maxStreamWindow: 262_144,
        maxConnectionWindow: 262_144,
        maxFrameSize: 16_384,
        // A string limit below the table's size is a mistake of the caller's (see Decoder), so it is not below it.
        maxHeaderListSize: Math.max(this.headerLimit, 4_096),
        budget: this.budget,
        maxRequests: (shape & 8) !== 0 ? 5 : 0,
        maxAge: 0,
        pingSeed: 7,
        trace: (shape & 16) !== 0 ? () => undefined : undefined,
      },
      {
        onOutput: ignore,
        onCapacity: ignore,
        onSettings: ignore,
        onGoAway: ignore,
        onPong: ignore,
        onTooManyPings: ignore,
        onStalled: ignore,
        onResumed: ignore,
        onDrained: ignore,
        onFailed: (error) => {
          assert.equal(this.failure, undefined, 'a connection fails once');
          this.failure = error;
        },
      },
      this.now,
    );
  }

  /** Takes one chunk of output, and leaves it with the socket. */
  take(limit: number): void {
    if (this.writing) return;
    const bytes = this.connection.takeOutput(limit, this.now);
    if (bytes.length === 0) return;
    assert.ok(bytes.length <= limit);
    this.output.check(bytes);
    this.writing = true;
  }

  taken(): void {
    if (this.writing) this.connection.outputTaken(this.now);
    this.writing = false;
    for (const stream of this.connection.takeDrained()) stream.sink.onDrain();
  }

  /** What holds after every step. */
  check(): void {
    const view = insideOf(this.connection);
    assert.ok(view.replies.waiting <= 1_000 && view.listed.length <= 2_000, 'what the peer provokes is bounded');
    assert.ok(view.out.length <= 65_536 + 9 * 1_000 + 80_000, 'sealed output is bounded');
    assert.ok(view.assembly.size <= 2 * view.config.maxHeaderListSize, 'a gathered block is bounded');
    assert.ok(view.decoder.table.size <= 4_096 && view.encoder.table.size <= 4_096, 'the tables are bounded');
    assert.ok(view.slotsUsed >= 0 && view.liveness.pings.length <= 1_000);
    const { credit } = view;
    if (this.failure === undefined)
      assert.equal(credit.available + credit.owed, credit.target, 'connection credit is conserved');
    let unread = 0;
    for (const exchange of this.exchanges) unread += exchange.unread;
    assert.equal(this.budget.held, unread, 'the budget holds what is unread');
  }

  /** The end of the connection is the end of every request, once. */
  finish(): void {
    this.connection.lost(undefined, this.now);
    for (let i = 0; i < 100; i++) {
      this.taken();
      this.take(65_536);
    }
    assert.ok(this.failure !== undefined, 'a lost connection has failed');
    assert.equal(insideOf(this.connection).streams.size, 0);
    for (const { stream, ended, failed, resetByUs } of this.exchanges)
      assert.ok(ended || failed || resetByUs, `stream ${stream.id} has settled`);
    for (const exchange of this.exchanges) {
      this.connection.consume(exchange.stream, exchange.unread);
      exchange.unread = 0;
    }
    assert.equal(this.budget.held, 0);
    assert.equal(this.connection.nextDeadline(), Infinity, 'nothing is due on a connection that is over');
  }
}

function ignore(): void {}
