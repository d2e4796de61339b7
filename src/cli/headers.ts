import type { ClientResponse } from '../index.js';
import { basicCredentials, credentialsOf } from '../request/index.js';
import type { GetArguments } from './args.js';
import { usageError } from './exit-codes.js';
import type { HeaderPair } from './redirect.js';
import type { RequestBody } from './data.js';
import { printable } from './terminal.js';

/** The -H lines with the defaults that they leave in place. Throws a {@link CliError} with 2 for what is no header. */
export function requestHeaders(
  args: Pick<GetArguments, 'headers' | 'json'> & Partial<Pick<GetArguments, 'user' | 'userAgent' | 'range'>>,
  url: URL,
  body: RequestBody | undefined,
): HeaderPair[] {
  const given: HeaderPair[] = [];
  const replaced = new Set<string>();
  for (const line of args.headers) {
    const match = /^([^:;\s]+)(?::[ \t]*(.*?)[ \t]*|;)$/s.exec(line);
    const name = match?.[1];
    if (name === undefined) throw usageError(`-H needs 'Name: value', not '${printable(line.slice(0, 40))}'`);
    replaced.add(name.toLowerCase());
    if (match?.[2] !== '') given.push([name, (match?.[2] ?? '') + boundaryFor(name, body)]);
  }
  const defaults: (readonly [string, string | undefined])[] = [
    ['accept', args.json ? 'application/json' : '*/*'],
    ['content-type', body?.contentType],
    ['content-length', body?.length === undefined ? undefined : String(body.length)],
    ['authorization', args.user === undefined ? credentialsOf(url) : basicCredentials(args.user)],
    ['user-agent', args.userAgent === '' ? undefined : args.userAgent],
    ['range', args.range === undefined ? undefined : `bytes=${toTheEnd(args.range)}`],
  ];
  const kept = defaults.flatMap(([name, value]) =>
    value === undefined || replaced.has(name) ? [] : [[name, value] as const],
  );
  return [...kept, ...given];
}

/** Nobody can read a form without its boundary, so a content-type of the user's gets it too, as with curl. */
function boundaryFor(name: string, body: RequestBody | undefined): string {
  if (name.toLowerCase() !== 'content-type') return '';
  return /^multipart\/form-data(; boundary=.*)$/.exec(body?.contentType ?? '')?.[1] ?? '';
}

/** A number alone is where it begins, as with curl. */
function toTheEnd(range: string): string {
  return /^\d+$/.test(range) ? `${range}-` : range;
}

/** As `headers.get`, without what naming Headers loads: Node's whole fetch, which takes as long as all else that a command does. */
export function receivedField(response: ClientResponse, name: string): string | null {
  const values = response.headerPairs.filter(([one]) => one === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}
