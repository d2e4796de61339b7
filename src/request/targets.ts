import { invalidArgument } from '../errors.js';
import type { SharedBlock } from '../protocol/index.js';
import type { Origin } from '../ports/index.js';
import type { PreparedRequest } from './prepared-request.js';

/** The header list of a request, made ready to be sent. */
export interface RequestHeader {
  /** As it goes on the wire. */
  readonly fields: readonly string[];
  /** What requests with these same fields share. */
  readonly block: SharedBlock;
  /** The caller's fields hold accept-encoding; range. */
  readonly asksCoding: boolean;
  readonly asksRange: boolean;
  /** They hold `connection: close`. */
  readonly asksClose: boolean;
}

/** What a header list was made of, where nothing but this and its target went into it. */
export interface HeaderRecipe {
  readonly method: string;
  readonly given: readonly string[];
  readonly length: number;
  readonly hasBody: boolean;
  readonly decompress: boolean;
  readonly header: RequestHeader;
}

/** What a URL says to a request, and the header list of the last one to it. */
export class Target {
  readonly origin: Origin;
  /** Path and query. */
  readonly path: string;
  /** As `ClientResponse.url` shows it: without fragment and user-info. */
  readonly url: string;
  /** With user-info, for whoever makes credentials of it. */
  readonly credentials: URL | undefined;
  /** The request without options, once there was one. Owned by prepare-request.ts. */
  bare: PreparedRequest | undefined = undefined;
  private last: HeaderRecipe | undefined = undefined;

  constructor(origin: Origin, path: string, credentials: URL | undefined) {
    this.origin = origin;
    this.path = path;
    this.url = path === '*' ? origin.href : origin.href + path; // RFC 9112 section 3.3: then it has no path
    this.credentials = credentials;
  }

  /** The header list made of the same things last time. */
  recall(
    method: string,
    given: readonly string[],
    length: number,
    hasBody: boolean,
    decompress: boolean,
  ): RequestHeader | undefined {
    const { last } = this;
    if (last === undefined) return undefined;
    const same = last.method === method && last.length === length && last.hasBody === hasBody;
    if (!same || last.decompress !== decompress || last.given.length !== given.length) return undefined;
    for (let i = 0; i < given.length; i++) if (last.given[i] !== given[i]) return undefined;
    return last.header;
  }

  remember(recipe: HeaderRecipe): void {
    this.last = recipe;
  }
}

/**
 * Throws a TypeError with Node's code, ERR_INVALID_URL, that shows what was given, without user-info and query. Node's own
 * error is not its cause: that has all of the URL as a property, for any log to show.
 */
export function parseUrl(given: string): URL {
  try {
    return new URL(given);
  } catch {
    const shown = JSON.stringify(given.slice(0, 100).replace(/\/\/[^/]*@|[?#].*$/gs, '...'));
    const error = new TypeError(`Invalid URL: ${shown}. It begins with https:// or http:// and a host.`);
    throw Object.assign(error, { code: 'ERR_INVALID_URL' });
  }
}

/** A URL that is given as one or as text. Throws a TypeError (ERR_INVALID_ARG_VALUE, ERR_INVALID_URL). */
export function urlOf(given: unknown, name: 'url' | 'origin'): URL {
  if (given instanceof URL) return given;
  if (typeof given !== 'string') throw invalidArgument(name, given, 'a string or a URL');
  return parseUrl(given);
}

/** A power of two. */
const remembered = 256;
/** A longer URL is not worth its memory. */
const longest = 512;

interface Place {
  readonly text: string;
  /** The text is a path at the target's origin, and no URL: a request for it by itself says no origin. */
  readonly isPath: boolean;
  readonly target: Target;
}

/**
 * The URLs requested last, parsed: parsing takes longer than all else that is done to send a request. Each holds its
 * place until one comes that belongs there too, so it is bounded, and those that never come again push out others, no more.
 */
export class Targets {
  private readonly places = new Array<Place | undefined>(remembered).fill(undefined);
  /** The URL of the request before, which mostly is that of the next: to look for its place takes longer than to compare. */
  private last: Place | undefined = undefined;
  private readonly originOf: (url: URL) => Origin;

  /** `originOf` may throw, for a URL that cannot be requested. */
  constructor(originOf: (url: URL) => Origin) {
    this.originOf = originOf;
  }

  /** Throws a TypeError (ERR_INVALID_ARG_VALUE, ERR_INVALID_URL) or what `originOf` throws. */
  of(given: string | URL): Target {
    const { last } = this;
    if (last?.text === given) return last.target;
    if (given instanceof URL) return this.parsed(given);
    if (typeof given !== 'string') throw invalidArgument('url', given, 'a string or a URL');
    if (given.length > longest) return this.parsed(parseUrl(given));
    const place = placeOf(given);
    const known = this.places[place];
    if (known?.isPath === false && known.text === given) return (this.last = known).target;
    const target = this.parsed(parseUrl(given));
    this.places[place] = { text: given, isPath: false, target };
    return target;
  }

  /** The same for who has origin and path apart. */
  at(origin: Origin, path: string): Target {
    if (path.length > longest) return new Target(origin, path, undefined);
    const place = placeOf(path);
    const known = this.places[place];
    if (known?.isPath === true && known.text === path && isSameOrigin(known.target.origin, origin)) return known.target;
    const target = new Target(origin, path, undefined);
    this.places[place] = { text: path, isPath: true, target };
    return target;
  }

  private parsed(url: URL): Target {
    const credentials = url.username !== '' || url.password !== '' ? url : undefined;
    return new Target(this.originOf(url), pathOf(url), credentials);
  }
}

/**
 * Path and query as they are sent. An empty query is one: its `?` belongs to the target (RFC 3986 section 6.2.3), and
 * `URL.search` does not show it.
 */
export function pathOf(url: URL): string {
  const { pathname, search, href } = url;
  if (search !== '') return pathname + search;
  const end = href.indexOf('#');
  return href.at(end === -1 ? -1 : end - 1) === '?' ? `${pathname}?` : pathname;
}

function isSameOrigin(one: Origin, other: Origin): boolean {
  return one === other || (one.href === other.href && one.servername === other.servername);
}

/** Of the last characters, in which the URLs of one API differ. */
function placeOf(url: string): number {
  let hash = url.length;
  for (let i = Math.max(0, url.length - 16); i < url.length; i++) hash = (Math.imul(hash, 31) + url.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8)) & (remembered - 1);
}
