import { TransportError } from '../../errors.js';
import type { ClientConn, RequestOptions } from '../../index.js';
import { Histogram } from '../histogram.js';

/** What is to be sent, and for how long. Times in milliseconds. */
export interface Plan {
  /** A string: the connection remembers what a string was parsed to, and a URL could have changed. */
  readonly url: string;
  readonly options: RequestOptions;
  readonly clients: number;
  readonly streams: number;
  /** Counted requests; Infinity: until the duration is over. */
  readonly requests: number;
  readonly duration: number;
  readonly warmUp: number;
}

/**
 * A closed loop: each client has a connection of its own and keeps so many requests on it at once, the next one starting
 * when one has been answered to its last byte. What starts during the warm-up is sent and not counted.
 */
export class Load {
  readonly latencies = new Histogram();
  /** How long connecting took, until the peer's SETTINGS. */
  readonly connects = new Histogram();
  readonly statuses = new Map<number, number>();
  readonly errors = new Map<string, number>();
  /** The first error of a request. */
  firstError: unknown = undefined;
  /** Requests that came to no answer. */
  failed = 0;
  /** Answers with a status of 400 and more. */
  refused = 0;
  /** Bytes of bodies. */
  bytes = 0;
  /** Connections that the server ended, and that were made again. */
  reconnects = 0;
  /** Requests under way when the run ended; they count as nothing. */
  unfinished = 0;
  /** When counting began and ended; 0: it has not. */
  startedAt = 0;
  endedAt = 0;
  startUsage = process.cpuUsage();
  usage = process.cpuUsage();
  private readonly plan: Plan;
  private readonly connect: () => Promise<ClientConn>;
  private begun = 0;
  private over = false;
  private running = 0;
  private finish: () => void = () => undefined;
  private fail: (error: unknown) => void = () => undefined;

  constructor(plan: Plan, connect: () => Promise<ClientConn>) {
    this.plan = plan;
    this.connect = connect;
  }

  get warmingUp(): boolean {
    return this.startedAt === 0;
  }

  /** The protocol's limit, as the server set it on the connection made last. */
  streamLimit = Infinity;

  /** Resolves when the run is over, or `stop` is aborted; rejects when a connection cannot be made. */
  async run(stop: AbortSignal): Promise<void> {
    const clients: Client[] = [];
    for (let i = 0; i < this.plan.clients && !stop.aborted; i += 1) clients.push(await this.newClient());
    const ended = new Promise<void>((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    const timers = [setTimeout(() => this.startCounting(), this.plan.warmUp)];
    if (this.plan.duration !== Infinity)
      timers.push(setTimeout(() => this.end(), this.plan.warmUp + this.plan.duration));
    const onStop = (): void => this.end();
    stop.addEventListener('abort', onStop);
    if (this.plan.warmUp === 0) this.startCounting();
    if (stop.aborted) this.end();
    for (const client of clients) for (let i = 0; i < this.plan.streams; i += 1) void this.loop(client);
    try {
      await ended;
    } finally {
      for (const timer of timers) clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
    }
  }

  private startCounting(): void {
    if (!this.warmingUp || this.over) return;
    this.startUsage = process.cpuUsage();
    this.startedAt = performance.now();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.endedAt = performance.now();
    this.usage = process.cpuUsage(this.startUsage);
    this.unfinished = this.running;
    this.finish();
  }

  private async newClient(): Promise<Client> {
    const begun = performance.now();
    const conn = await this.connect();
    this.connects.add(performance.now() - begun);
    this.streamLimit = conn.state().maxConcurrentStreams;
    return { conn, answered: 0, renewal: undefined };
  }

  private async loop(client: Client): Promise<void> {
    try {
      while (!this.over && (this.warmingUp || this.begun < this.plan.requests)) await this.one(client);
    } catch (error) {
      this.over = true;
      this.fail(error);
    }
  }

  private async one(client: Client): Promise<void> {
    const counted = !this.warmingUp;
    if (counted) {
      this.begun += 1;
      this.running += 1;
    }
    const { conn } = client;
    const begun = performance.now();
    let bytes = 0;
    let status = 0;
    let error: unknown = undefined;
    try {
      const response = await conn.request(this.plan.url, this.plan.options);
      status = response.status;
      for await (const chunk of response.body.borrow()) bytes += chunk.length;
      client.answered += 1;
    } catch (reason) {
      error = reason ?? new Error('it failed');
    }
    if (this.over) return;
    if (counted) this.running -= 1;
    const moved = error !== undefined && (await this.renew(client, conn, error));
    if (!counted) return;
    if (moved) this.begun -= 1;
    else if (error !== undefined) this.countError(error);
    else this.countAnswer(status, bytes, performance.now() - begun);
    if (this.latencies.count + this.failed >= this.plan.requests) this.end();
  }

  /** Makes a new connection where the server has ended this one. True: the request was not sent and will be again. */
  private async renew(client: Client, conn: ClientConn, error: unknown): Promise<boolean> {
    if (!conn.state().closing) return false;
    const unsent = TransportError.isInstance(error) && error.unprocessed && client.answered > 0;
    if (client.conn === conn) {
      client.renewal ??= this.newClient().then(({ conn: next }) => {
        client.conn = next;
        client.answered = 0;
        client.renewal = undefined;
        this.reconnects += 1;
      });
      await client.renewal;
    }
    return unsent;
  }

  private countAnswer(status: number, bytes: number, time: number): void {
    this.latencies.add(time);
    this.bytes += bytes;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status >= 400) this.refused += 1;
  }

  private countError(error: unknown): void {
    const code = TransportError.isInstance(error) ? error.code : error instanceof Error ? error.name : 'unknown';
    this.firstError ??= error;
    this.failed += 1;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

interface Client {
  conn: ClientConn;
  /** Requests answered on its connection so far. */
  answered: number;
  /** A new connection is being made. */
  renewal: Promise<void> | undefined;
}
