import { invalidArgument } from '../errors.js';
import { Transport, type TransportOptions } from '../index.js';
import { notMocked } from '../network.js';
import { isRecord } from '../request/index.js';
import { answerInstead } from '../transport.js';
import type { MockCall } from './mock-call.js';
import { MockRoute, type MockMatcher, type MockReplies } from './mock-route.js';
import { connectInMemory, whyUnanswered } from './mock-server.js';

/** What says how to connect, which is the mock's own business. */
const own = ['createConnection', 'proxy', 'socketPath', 'cleartext'] as const;

/**
 * A Transport whose every origin is a server within this process: requests go through all of the library, pool, retries and
 * HTTP/2 frames, and through no socket. Routes say what becomes of them; one that no route is for is refused with
 * ERR_PASSINGLANE_NOT_MOCKED.
 */
export class MockTransport extends Transport {
  /** What the routes were asked for, in order; a request that was sent twice is two calls. */
  readonly calls: MockCall[] = [];
  readonly #routes: MockRoute[];

  /** Takes what Transport does, but for what says how to connect. Throws as {@link Transport}'s does. */
  constructor(options: Omit<TransportOptions, (typeof own)[number]> = {}) {
    // Before it is spread: nothing comes of null and of numbers then.
    if (!isRecord(options)) throw invalidArgument('options', options, 'an object with transport options');
    for (const name of own) {
      const value = (options as TransportOptions)[name];
      if (value !== undefined)
        throw invalidArgument(`option '${name}'`, Object(value), 'undefined: a MockTransport connects to nothing');
    }
    const routes: MockRoute[] = [];
    const find = (method: string, url: string): MockRoute | undefined =>
      routes.findLast((route) => route.matches(method, url));
    super({
      ...options,
      cleartext: 'h2c',
      createConnection: () =>
        connectInMemory((call) => {
          this.calls.push(call);
          const route = find(call.method, call.url);
          return async () => route?.reply(call) ?? this.#whyNot();
        }),
    });
    this.#routes = routes;
    answerInstead(this, {
      admit: ({ method, url, origin }) =>
        find(method, url) === undefined ? notMocked(origin.href, this.#whyNot()) : undefined,
      accept: (response, { origin }) => {
        const why = whyUnanswered(response);
        return why === undefined ? undefined : notMocked(origin.href, why);
      },
    });
  }

  #whyNot(): string {
    const shown = this.#routes.map((route) => route.shown).join(', ');
    return `no route of this MockTransport is for it; ${shown === '' ? 'there is none' : `there are: ${shown}`}`;
  }

  /**
   * From now on requests that `matcher` is for are answered so. Of several replies each counts once, and the last one from
   * then on. A later route goes before an earlier one. Returns the transport.
   */
  route(matcher: MockMatcher, replies: MockReplies): this {
    this.#routes.push(new MockRoute(matcher, replies));
    return this;
  }

  /** Forgets routes and calls. */
  reset(): void {
    this.#routes.length = 0;
    this.calls.length = 0;
  }
}
