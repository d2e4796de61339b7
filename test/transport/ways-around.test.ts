/** On real sockets: uploads that block one connection after the other hold up no other request. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { FrameEvent, RequestOptions, Transport, TransportOptions } from '../../dist/index.js';
import { rawServer, type RawServer } from '../support/raw-server.js';
import { client, until } from '../users/support.js';

/** Over TLS. A connection that is asked for /up is read no more, and one that is asked for /mute says nothing more. */
async function blocking(t: TestContext): Promise<RawServer> {
  const server = await rawServer(
    async (connection) => {
      await connection.greet({ initialWindowSize: 1 << 30, maxConcurrentStreams: 100 });
      connection.windowUpdate(0, 1 << 30);
      for (;;) {
        const request = await connection.request();
        const path = request.get(':path');
        if (path === '/up') return connection.stopReading();
        if (path === '/mute') connection.answerPings = false;
        if (connection.answerPings) connection.headers(request.streamId, [[':status', '200']], { endStream: true });
      }
    },
    { tls: true },
  );
  t.after(() => server.close());
  return server;
}

/** What a client does to one origin. */
class Visitor {
  readonly transport: Transport;
  private readonly origin: string;
  /** The connections of what is not answered, in order. */
  private readonly carriers: number[] = [];

  constructor(t: TestContext, origin: string, options: TransportOptions) {
    this.origin = origin;
    const frame = ({ direction, fields, connection }: FrameEvent): void => {
      if (direction === 'sent' && fields !== undefined && !fields.includes('/quick')) this.carriers.push(connection);
    };
    this.transport = client(t, { ...options, observer: { frame } });
  }

  async quick(): Promise<number> {
    const { status, body } = await this.transport.request(`${this.origin}/quick`);
    await body.dump();
    return status;
  }

  async fiftyAreAnswered(): Promise<void> {
    const statuses = await Promise.all(Array.from({ length: 50 }, () => this.quick()));
    assert.deepEqual(new Set(statuses), new Set([200]));
  }

  /** An upload that is not read: resolves once its connection is stalled. */
  async block(): Promise<void> {
    const stateOf = await this.begin('/up', { method: 'POST', body: Buffer.alloc(12 << 20) });
    await until(() => ['stalled', undefined].includes(stateOf()));
  }

  /** Resolves once a connection that says nothing more is known to. */
  async mute(heard: () => boolean): Promise<void> {
    const stateOf = await this.begin('/mute');
    await until(() => heard() && ['silent', 'stalled', undefined].includes(stateOf()));
  }

  /** Sends what is not answered; resolves, once it is on its way, with what tells the state of the connection that carries it. */
  private async begin(path: string, options: RequestOptions = {}): Promise<() => string | undefined> {
    const before = this.carriers.length;
    this.transport.request(`${this.origin}${path}`, options).catch(() => undefined); // it ends with the transport
    await until(() => this.carriers.length > before);
    const carrier = this.carriers.at(-1);
    return () => this.stateOf(carrier);
  }

  /** Undefined where it has been closed. */
  private stateOf(connection: number | undefined): string | undefined {
    const [origin] = this.transport.stats().origins;
    return origin?.connections.find(({ id }) => id === connection)?.state;
  }
}

for (const uploads of [2, 3])
  test(`small GETs beside ${uploads} uploads, each on the way around the one before, are all answered over TLS`, async (t) => {
    const server = await blocking(t);
    // Longer than a busy machine takes to read, or a connection that is not blocked counts as one for a moment.
    const visitor = new Visitor(t, server.origin, { tls: { ca: server.ca }, stallTimeout: 500 });
    await visitor.quick();
    for (let blocked = 0; blocked < uploads; blocked++) {
      await visitor.block();
      await visitor.fiftyAreAnswered();
    }
    // One more than are blocked; a busy machine may take its own pause for another.
    const { length } = server.connections;
    assert.ok(length > uploads && length <= uploads + 3, `${length} connections`);
  });

test('small GETs beside three uploads, and with a way around that falls silent, are all answered over TLS', async (t) => {
  const server = await blocking(t);
  // A busy machine may make a connection look slow, and where another is blocked that is no reason for one more.
  const options = { tls: { ca: server.ca }, stallTimeout: 200, probeAfter: 400, bulkIsolation: false };
  const visitor = new Visitor(t, server.origin, options);
  await visitor.quick();
  await visitor.block();
  await visitor.fiftyAreAnswered();
  await visitor.mute(() => server.connections.some(({ answerPings }) => !answerPings));
  await visitor.fiftyAreAnswered();
  for (let blocked = 1; blocked < 3; blocked++) {
    await visitor.block();
    await visitor.fiftyAreAnswered();
  }
});
