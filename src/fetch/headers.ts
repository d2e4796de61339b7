import { fieldNames } from '../field-list.js';

/**
 * Names and values in turn: those given, and what the standard adds to them.
 *
 * @param cache the request's cache mode
 */
export function fieldsOf(headers: unknown, cache: string): string[] {
  if (headers === undefined && cache === 'default') return ['accept', '*/*'];
  const fields = headers === undefined ? [] : (plainFields(headers) ?? normalizedFields(headers));
  const names = fieldNames(fields);
  const add = (name: string, value: string): void => {
    if (!names.includes(name)) fields.push(name, value);
  };
  add('accept', '*/*'); // Fetch Standard, section 4.1, step 12
  // Section 4.6, HTTP-network-or-cache fetch, step 8.15 to 8.17: whoever caches on the way is told what to do.
  const mode = cache === 'default' && names.some((name) => conditional.has(name)) ? 'no-store' : cache;
  if (mode === 'no-cache') add('cache-control', 'max-age=0');
  else if (mode === 'no-store' || mode === 'reload') {
    add('pragma', 'no-cache');
    add('cache-control', 'no-cache');
  }
  return fields;
}

const conditional = new Set(['if-modified-since', 'if-none-match', 'if-unmodified-since', 'if-match', 'if-range']);

/** The usual case, read without a Headers: a plain record of strings. */
function plainFields(headers: unknown): string[] | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (Object.getPrototypeOf(headers) !== Object.prototype) return undefined;
  const fields: string[] = [];
  for (const name of Object.keys(headers)) {
    const value = (headers as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'string') return undefined;
    fields.push(name, normalize(value));
  }
  return fields;
}

function normalizedFields(given: unknown): string[] {
  const headers = given instanceof Headers ? given : new Headers(given as Headers);
  const fields: string[] = [];
  for (const [name, value] of headers) fields.push(name, value);
  return fields;
}

/** The value without HTTP whitespace around it, as Headers has it (section 2.2.2, "normalize"). */
function normalize(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isWhitespace(value.charCodeAt(start))) start++;
  while (end > start && isWhitespace(value.charCodeAt(end - 1))) end--;
  return end - start === value.length ? value : value.slice(start, end);
}

function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
