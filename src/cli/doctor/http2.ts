import type { Socket } from 'node:net';
import { sentenceOf } from '../../errors.js';
import { observers } from '../../diagnostics/index.js';
import { Transport, type ClientConn, type FrameEvent, type Observer } from '../../index.js';
import { FrameType } from '../../wire/index.js';
import { ask, codeOf, type Answer } from './ask.js';
import { found, type Finding, type FindingName } from './findings.js';
import type { Place, Step } from './secure.js';

export interface Http2Report {
  /** By their names in RFC 9113 section 6.5.2, those that it sent. */
  readonly settings: Readonly<Record<string, number>>;
  /** What all bodies that go up may have under way at once, in bytes. */
  readonly connectionWindow: number;
  /** The best round trip of a PING, in milliseconds; undefined: none was answered. */
  readonly ping: number | undefined;
  readonly answer: Answer | undefined;
  /** Told GOAWAY, it finished what ran. */
  readonly finishes: boolean | undefined;
}

/** What the peer has said, from its frames. */
class Watch implements Observer {
  readonly settings: Record<string, number> = {};
  window = 65_535;
  acknowledged = false;
  goAway: string | undefined = undefined;

  frame({ direction, type, streamId, flags, detail = '' }: FrameEvent): void {
    if (direction === 'sent') return;
    if (type === FrameType.Settings && (flags & 1) !== 0) this.acknowledged = true;
    else if (type === FrameType.Settings) {
      for (const [, name, value] of detail.matchAll(/(\w+)=(\d+)/g)) this.settings[name!] = Number(value);
    } else if (type === FrameType.WindowUpdate && streamId === 0) this.window += Number(/\d+/.exec(detail)?.[0] ?? 0);
    else if (type === FrameType.GoAway) this.goAway ??= /error=(\w+)/.exec(detail)?.[1];
  }
}

const pings = 2;

/** Speaks HTTP/2 on a connection: what it says of itself, one GET, PINGs, and a goodbye with a GET under way. */
export async function probeHttp2(place: Place, socket: Socket, log: Observer | undefined): Promise<Step<Http2Report>> {
  const { timeout, url } = place;
  const watch = new Watch();
  const transport = new Transport({
    connectTimeout: timeout,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    readIdleTimeout: 0,
    observer: observers({ frame: (event) => watch.frame(event) }, log),
  });
  try {
    const conn = await transport.adopt(socket, url.origin);
    return await new Probe(place, watch, conn).run();
  } catch (error) {
    return { value: undefined, findings: [greetingFinding(error, watch, place)] };
  } finally {
    transport.destroy();
  }
}

function greetingFinding(error: unknown, watch: Watch, { address, timeout }: Place): Finding {
  const message = sentenceOf(error);
  if (watch.goAway !== undefined) return goodbyeAtOnce(watch.goAway, address);
  if (codeOf(error) === 'ERR_PASSINGLANE_CONNECT_TIMEOUT')
    return found(
      'no-settings',
      `The server accepted the connection, but sent no SETTINGS within ${timeout} ms.`,
      address,
    );
  if (/speaks HTTP\/1\.1/.test(message))
    return found('no-http2', 'The server speaks HTTP/1.1, but not HTTP/2.', address);
  if (Object.keys(watch.settings).length === 0 && codeOf(error) === 'ERR_PASSINGLANE_PROTOCOL')
    return found('not-http2', `What the server sent is not HTTP/2: ${message}.`, address);
  if (codeOf(error) === 'ERR_PASSINGLANE_PROTOCOL') return found('breaks-http2', `${message}.`, address);
  return found('closed-at-once', 'The server closed the connection before it had sent SETTINGS.', address);
}

function goodbyeAtOnce(code: string, address: string): Finding {
  return found('goodbye-at-once', `The server sent GOAWAY (${code}) on a new connection.`, address);
}

class Probe {
  private readonly place: Place;
  private readonly watch: Watch;
  private readonly conn: ClientConn;
  private readonly findings: Finding[] = [];

  constructor(place: Place, watch: Watch, conn: ClientConn) {
    this.place = place;
    this.watch = watch;
    this.conn = conn;
  }

  async run(): Promise<Step<Http2Report>> {
    const { settings } = this.watch;
    this.checkSettings();
    const answer = settings['MAX_CONCURRENT_STREAMS'] === 0 ? undefined : await this.ask();
    const asked = this.findings.length;
    const ping = await this.ping(answer !== undefined);
    if (ping !== undefined) this.compare(answer, ping);
    else this.silent(answer, asked);
    const finishes = answer === undefined || ping === undefined ? undefined : await this.goodbye();
    if (!this.watch.acknowledged && answer !== undefined)
      this.found('settings-unacknowledged', 'The server never acknowledged our SETTINGS.');
    const report = { settings, connectionWindow: this.watch.window, ping, answer, finishes };
    return { value: report, findings: this.findings };
  }

  private found(name: FindingName, text: string): void {
    this.findings.push(found(name, text, this.place.address));
  }

  private checkSettings(): void {
    const { settings } = this.watch;
    const streams = settings['MAX_CONCURRENT_STREAMS'] ?? Infinity;
    const window = settings['INITIAL_WINDOW_SIZE'] ?? 65_535;
    const headers = settings['MAX_HEADER_LIST_SIZE'] ?? Infinity;
    if (streams === 0) this.found('no-streams', 'The server allows no requests at all.');
    else if (streams < 100)
      this.found('few-streams', `The server allows only ${streams} requests at once on a connection.`);
    if (window < 65_535) this.found('small-window', `An upload may have only ${window} bytes in flight.`);
    if (headers < 8_192)
      this.found('small-header-list', `The server accepts at most ${headers} bytes of header fields.`);
  }

  private async ask(): Promise<Answer | undefined> {
    const { url, address } = this.place;
    const { answer, findings } = await ask(this.place, 'HTTP/2', () => this.conn.request(url, { decompress: false }));
    const { goAway } = this.watch;
    for (const one of findings)
      this.findings.push(
        one.name === 'closed-on-request' && goAway !== undefined ? goodbyeAtOnce(goAway, address) : one,
      );
    return answer;
  }

  /** The best of a few; undefined where one was not answered. */
  private async ping(answered: boolean): Promise<number | undefined> {
    let best: number | undefined;
    for (let i = 0; i < pings && !this.conn.state().closed; i++) {
      try {
        const time = await this.conn.ping({ timeout: this.place.timeout });
        best = Math.min(best ?? Infinity, time);
      } catch (error) {
        const { goAway } = this.watch;
        if (answered && codeOf(error) !== 'ERR_PASSINGLANE_PING_TIMEOUT')
          this.found(
            'pings-forbidden',
            `The server closed the connection because of a PING${goAway === undefined ? '' : ` (${goAway})`}.`,
          );
        return undefined;
      }
    }
    return best;
  }

  private silent(answer: Answer | undefined, asked: number): void {
    const last = this.findings[asked - 1];
    if (this.conn.state().closed) return;
    if (answer !== undefined) this.found('ping-unanswered', 'The server answers requests, but not PINGs.');
    else if (last?.name === 'no-answer')
      this.findings[asked - 1] = found('silent', 'The server answers neither a GET nor a PING.', this.place.address);
  }

  private compare(answer: Answer | undefined, ping: number): void {
    if (answer === undefined || answer.time < 1_000 || answer.time < 10 * ping) return;
    const times = `${Math.round(answer.time)} ms, a round trip only ${Math.round(ping)} ms`;
    this.found('slow-answer', `The answer took ${times}.`);
  }

  /** Whether a request that is under way when we say GOAWAY is finished. */
  private async goodbye(): Promise<boolean | undefined> {
    if (!this.conn.canTakeNewRequest()) return undefined;
    const running = this.conn.request(this.place.url, { decompress: false }).then((response) => {
      const { status } = response;
      response.body.cancel();
      return status;
    });
    const closed = this.conn.shutdown();
    try {
      await running;
      await closed;
      return true;
    } catch {
      this.found('goodbye-drops', 'Sent a GOAWAY, the server dropped a request that was under way.');
      return false;
    }
  }
}
