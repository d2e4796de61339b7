import { TransportError } from '../errors.js';
import { LatestMap } from '../latest-map.js';
import { networkRefusal } from '../network.js';
import { originOf } from '../pool/index.js';
import type { Origin } from '../ports/index.js';
import { parseUrl } from '../request/index.js';
import { poolOf, type BaseTransport } from '../transport.js';
import type { Dispatch, DispatchHandler, DispatchOptions } from './contract.js';
import { bothKinds, isCurrentHandler, withoutBridge } from './interceptors.js';
import { invalidArgument } from './undici-error.js';

/** What gets the requests to origins without HTTP/2: a dispatcher of any undici's. */
export interface Http1Dispatcher {
  dispatch(options: never, handler: never): boolean;
}

/** The kind of handlers that a dispatcher takes; undefined: that is not known. */
export type HandlerKind = 'legacy' | 'current' | undefined;

/** Of so many origins it is remembered that they were asked. */
const rememberedOrigins = 256;

/** Sends requests to origins without HTTP/2 through a dispatcher that was there before. */
export class Http1Route {
  private readonly transport: BaseTransport;
  private readonly dispatcher: { readonly dispatch: Dispatch };
  private readonly kind: HandlerKind;
  /** Origins whose protocol is known, or could not be learned when somebody asked last. */
  private readonly asked = new LatestMap<true>(rememberedOrigins);
  private last: { readonly given: string; readonly origin: Origin } | undefined = undefined;

  constructor(transport: BaseTransport, dispatcher: Http1Dispatcher, kind?: HandlerKind) {
    if (typeof (dispatcher as Partial<Http1Dispatcher> | null)?.dispatch !== 'function')
      throw invalidArgument('http1 must be a dispatcher');
    this.transport = transport;
    this.dispatcher = dispatcher;
    this.kind = kind;
  }

  /** The origin of such a request where it may be the other dispatcher's; undefined where it is ours in any case. */
  originOf({ origin, servername }: DispatchOptions): Origin | undefined {
    // A name of its own for TLS is what the other dispatcher may not know.
    if (servername !== undefined && servername !== null) return undefined;
    const given = origin instanceof URL ? origin.href : origin;
    if (this.last === undefined || this.last.given !== given) {
      if (typeof given !== 'string' || !/^https?:/i.test(given) || !URL.canParse(given)) return undefined;
      this.last = { given, origin: originOf(parseUrl(given)) };
    }
    return networkRefusal(this.last.origin) === undefined ? this.last.origin : undefined;
  }

  /** Whose the requests to this origin are; undefined: nobody knows yet. */
  takes(origin: Origin): boolean | undefined {
    if (poolOf(this.transport).speaksHttp1(origin)) return true;
    return origin.scheme === 'http:' || this.asked.get(origin.href) ? false : undefined;
  }

  /**
   * Connects, which tells what the origin speaks; a connection that the other dispatcher will not use is closed. Resolves
   * with what kept it from connecting, or with undefined.
   */
  async ask(origin: Origin): Promise<TransportError | undefined> {
    try {
      await this.transport.preconnect(origin.href);
      this.asked.set(origin.href, true);
    } catch (error) {
      if (!TransportError.isInstance(error)) throw error;
      return error;
    }
    if (this.takes(origin) === true) poolOf(this.transport).closeIdle(origin);
    return undefined;
  }

  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    const direct = withoutBridge(handler);
    const fits = this.kind === (isCurrentHandler(direct) ? 'current' : 'legacy');
    return this.dispatcher.dispatch(options, fits ? direct : bothKinds(direct));
  }
}
