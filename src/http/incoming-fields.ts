import type { IncomingHttpHeaders } from 'node:http';

/** Fields of which node:http keeps the first; of all others it joins the values. */
const single = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** `headers` as node:http makes them of the fields that have come. */
export function joinFields(pairs: Iterable<readonly [name: string, value: string]>): IncomingHttpHeaders {
  const joined = Object.create(null) as Record<string, string | string[] | undefined>;
  for (const [name, value] of pairs) {
    const before = joined[name];
    if (name === 'set-cookie') {
      if (before === undefined) joined[name] = [value];
      else (before as string[]).push(value);
    } else if (before === undefined) {
      joined[name] = value;
    } else if (!single.has(name)) {
      joined[name] = `${before as string}${name === 'cookie' ? '; ' : ', '}${value}`;
    }
  }
  return { ...joined }; // a plain object, as node:http's is
}

/** `headersDistinct`: the values of each field, none of them joined. */
export function distinctFields(pairs: Iterable<readonly [name: string, value: string]>): Record<string, string[]> {
  const distinct = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of pairs) (distinct[name] ??= []).push(value);
  return distinct;
}

/** `rawHeaders`: names and values by turns. */
export function rawFields(pairs: Iterable<readonly [name: string, value: string]>): string[] {
  return [...pairs].flat();
}
