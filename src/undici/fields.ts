import type { DispatchHeaders, IncomingHeaders } from './contract.js';
import { invalidArgument, UndiciError } from './undici-error.js';
import { hasField } from '../field-list.js';
import { isToken } from '../ports/index.js';

/** Adds a request's header fields to a flat list, in whatever form undici takes them. Throws UND_ERR_INVALID_ARG. */
export function addHeaders(flat: string[], headers: DispatchHeaders | null | undefined): void {
  if (headers === null || headers === undefined) return;
  if (typeof headers !== 'object') throw invalidArgument('headers must be an object or an array');
  if (Array.isArray(headers)) {
    const list = headers as readonly unknown[];
    if (list.length % 2 !== 0) throw invalidArgument('headers array must be even');
    for (let i = 0; i < list.length; i += 2) addHeader(flat, nameOf(list[i]), list[i + 1]);
  } else if (isIterable(headers)) {
    for (const pair of headers) {
      if (!Array.isArray(pair) || pair.length !== 2) throw invalidArgument('headers must be in key-value pair format');
      addHeader(flat, nameOf(pair[0]), pair[1]);
    }
  } else {
    for (const name of Object.keys(headers)) addHeader(flat, name, (headers as Record<string, unknown>)[name]);
  }
}

/** By an iterator of its own or of its class: one that somebody gave to all objects makes no list of a record. */
function isIterable(headers: object): headers is Iterable<unknown> {
  if (Object.hasOwn(headers, Symbol.iterator)) return true;
  return Object.getPrototypeOf(headers) !== Object.prototype && Symbol.iterator in headers;
}

function nameOf(name: unknown): string {
  if (typeof name === 'string') return name;
  if (Buffer.isBuffer(name)) return name.toString('latin1');
  throw invalidArgument('invalid header key');
}

/** Several values make several fields, null an empty one, undefined none. What HTTP/2 has no use for is left out. */
export function addHeader(flat: string[], name: string, value: unknown): void {
  if (value === undefined || !isForwarded(flat, name, value)) return;
  if (Array.isArray(value)) for (const one of value as readonly unknown[]) flat.push(name, valueOf(name, one));
  else flat.push(name, valueOf(name, value));
}

/** What fetch calls itself, in Node and in undici, where its caller gives no user-agent: it stands in the way of our own. */
export function dropDefaultAgent(flat: string[]): void {
  const at = flat.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'user-agent');
  if (at >= 0 && /^(node|undici)$/.test(flat[at + 1]!)) flat.splice(at, 2);
}

/** Undici's option `reset`, which says what `connection: close` does. */
export function addClose(flat: string[]): void {
  if (!hasField(flat, 'connection')) flat.push('connection', 'close');
}

function valueOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw invalidArgument(`invalid ${name} header`);
}

/**
 * Undici refuses fields that only the connection may set, and a second host or content-length, and so does this. Told by
 * length first: most are others.
 */
function isForwarded(flat: string[], name: string, value: unknown): boolean {
  const { length } = name;
  if (length !== 4 && length !== 6 && length !== 7 && length !== 10 && length !== 14 && length !== 17) return true;
  const lower = name.toLowerCase();
  switch (lower) {
    case 'expect':
      throw new UndiciError('UND_ERR_NOT_SUPPORTED', 'expect header not supported; use the expectContinue option');
    case 'upgrade':
    case 'keep-alive':
    case 'transfer-encoding':
      throw invalidArgument(`invalid ${lower} header`);
    case 'host': // two of them lead to two servers, by whom one asks
    case 'content-length':
      if (hasField(flat, lower)) throw invalidArgument(`duplicate ${lower} header`);
      return true;
    case 'connection': // of HTTP/1.1 (RFC 9113 section 8.2.2)
      if (connectionOptions(value).includes('close')) addClose(flat);
      return false;
    default:
      return true;
  }
}

/** The members of a connection field, tokens in lower case (RFC 9110 section 7.6.1). */
function connectionOptions(value: unknown): string[] {
  const options = typeof value === 'string' ? value.split(',').map((option) => option.trim().toLowerCase()) : [''];
  if (!options.every(isToken)) throw invalidArgument('invalid connection header');
  return options;
}

/** As undici's parseHeaders: one value is a string, several an array. */
export function toRecord(fields: readonly string[]): IncomingHeaders {
  const record: IncomingHeaders = {};
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    const before = record[name];
    if (before === undefined) record[name] = value;
    else if (!Object.hasOwn(record, name)) define(record, name, value);
    else if (typeof before === 'string') record[name] = [before, value];
    else before.push(value);
  }
  return record;
}

/** A name such as `__proto__` or `constructor`, which every object has already. */
function define(record: IncomingHeaders, name: string, value: string): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

/** As the legacy contract has them: names and values in turn, as bytes (RFC 9110 section 5.5). */
export function toRaw(fields: readonly string[]): Buffer[] {
  return fields.map((one) => Buffer.from(one, 'latin1'));
}
