import { invalidArgument, sentenceOf, TransportError, unknownName } from '../errors.js';
import {
  checkFields,
  checkRequestOptions,
  flatten,
  isRecord,
  type HeadersInput,
  type RequestOptions,
} from '../request/index.js';
import { fieldNames, fieldPairs } from '../field-list.js';

const ofRequests = [
  'headers',
  'timeout',
  'headersTimeout',
  'bodyTimeout',
  'idempotent',
  'hedge',
  'retry',
  'decompress',
  'expectContinue',
  'priority',
  'onInformational',
  'timing',
] as const;

/** What a view gives to each of its requests that does not say otherwise. Times are milliseconds. */
export interface ViewOptions extends Pick<RequestOptions, (typeof ofRequests)[number]> {
  /**
   * What requests are relative to: a URL of http: or https:, without query and fragment; in a view of a view that has one, also
   * a path. A path is joined to it with one slash, and a whole URL must be of its origin. Default: none.
   */
  readonly baseURL?: string | URL | undefined;
}

/** The same, checked. */
export interface Defaults {
  readonly base: URL | undefined;
  /** Names in lower case and values in turn. */
  readonly fields: readonly string[];
  /** Without `headers`; of what is given, nothing is undefined. */
  readonly options: RequestOptions;
}

export const noDefaults: Defaults = { base: undefined, fields: [], options: {} };

const allowed: readonly string[] = ['baseURL', ...ofRequests];

/** What a view of a view gives. Throws a TypeError, ERR_INVALID_ARG_VALUE. */
export function extendDefaults(outer: Defaults, given: ViewOptions): Defaults {
  if (!isRecord(given)) throw invalidArgument('options', given, 'an object with options of a view');
  for (const name of Object.keys(given))
    if (!allowed.includes(name))
      throw unknownName(`option '${name}'`, name, concealed((given as Record<string, unknown>)[name]), allowed);
  const { baseURL, headers, ...options } = given;
  checkRequestOptions({ ...options, headers });
  return {
    base: baseURL === undefined ? outer.base : toBase(baseURL, outer.base),
    fields: checkedFields(outer.fields, headers),
    options: mergeOptions(outer.options, options),
  };
}

/** With headers that no request could have, it is an option that is wrong, and no request. */
function checkedFields(outer: readonly string[], headers: HeadersInput | undefined): string[] {
  try {
    const fields = withDefaults(outer, headers);
    checkFields(fields);
    return fields;
  } catch (error) {
    if (!TransportError.isInstance(error)) throw error;
    const wrong = new TypeError(`Invalid option 'headers': ${sentenceOf(error)}`, { cause: error });
    throw Object.assign(wrong, { code: 'ERR_INVALID_ARG_VALUE' });
  }
}

function toBase(given: unknown, outer: URL | undefined): URL {
  if (outer !== undefined && typeof given === 'string' && !isAbsolute(given))
    return checkBase(join(outer, given), given);
  const text = given instanceof URL ? given.href : given;
  return checkBase(typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined, given);
}

function checkBase(url: URL | undefined, given: unknown): URL {
  const http = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url !== undefined && http && url.search === '' && url.hash === '') return url;
  // What is in it may be a password.
  throw invalidArgument("option 'baseURL'", concealed(given), 'an https: or http: URL without query and fragment');
}

/** What is requested of a view with a base: the URL, of the base's origin. Throws a TypeError, ERR_INVALID_ARG_VALUE. */
export function resolveUrl(base: URL, given: string | URL): URL {
  if (typeof given === 'string' && !isAbsolute(given)) return join(base, given);
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : given;
  if (url instanceof URL && url.protocol === base.protocol && url.host === base.host) return url;
  const shown: unknown = url instanceof URL && url.origin !== 'null' ? url.origin : concealed(given);
  throw invalidArgument('url', shown, `a path under baseURL, or a URL of its origin, ${base.origin}`);
}

/** Of which an error shows only what kind of value it is. */
function concealed(value: unknown): unknown {
  return value === undefined || value === null ? value : Object(value);
}

/** It begins with a scheme (RFC 3986 section 3.1). */
function isAbsolute(url: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(url);
}

function join(base: URL, path: string): URL {
  if (path === '') return base;
  const url = new URL(base.href.replace(/\/$/, '') + (/^[/?#]/.test(path) ? path : `/${path}`));
  if (isUnder(base, url)) return url;
  throw invalidArgument('path', concealed(path), `a path that stays under baseURL, ${base.origin}${base.pathname}`);
}

/** Also where a server undoes escapes before it follows `..`. A URL has followed it, and `%2e%2e`, by now. */
function isUnder(base: URL, { pathname }: URL): boolean {
  const top = followed(base.pathname).replace(/\/$/, '');
  const path = followed(pathname);
  return path === top || path.startsWith(`${top}/`);
}

function followed(path: string): string {
  return new URL(`http://host${path.replace(/%2f|%5c/gi, '/')}`).pathname;
}

/** Names and values in turn: those given, and each default whose name is not among them, be it as undefined. */
export function withDefaults(defaults: readonly string[], given: HeadersInput | undefined): string[] {
  if (given === undefined) return [...defaults];
  const fields = flatten(given, 'header');
  const names = new Set(fieldNames(fields));
  if (!(Symbol.iterator in given)) for (const name of Object.keys(given)) names.add(name.toLowerCase());
  return fields.concat(...fieldPairs(defaults).filter(([name]) => !names.has(name.toLowerCase())));
}

/** Those given, over the defaults; one that is undefined is not given. */
export function mergeOptions(defaults: RequestOptions, given: RequestOptions): RequestOptions {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(given))
    if (value !== undefined || !(name in defaults)) merged[name] = value;
  return merged;
}
