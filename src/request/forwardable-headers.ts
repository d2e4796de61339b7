import { concealed, invalidArgument } from '../errors.js';
import { flatten } from './prepare-request.js';
import type { HeadersInput } from './request-options.js';
import { fieldPairs } from '../field-list.js';

/** Fields between two neighbours (RFC 9110 sections 7.6.1, 11.7 and 7.8; keep-alive and proxy-connection are older). */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
];

const allowed = "a record, pairs, a Headers, or a flat list as node:http's rawHeaders";

/**
 * The fields of a message that a gateway passes on, for `request`, `fetch`, or a response of its own: all but those that
 * are for the next hop alone. These are `connection` and what it names, `keep-alive`, `transfer-encoding`, `upgrade`, the
 * `proxy-` fields of authentication and connections, `te` (of which `trailers` remains), and HTTP/2's pseudo-fields
 * (RFC 9110 section 7.6.1, RFC 9113 section 8.3). For requests, responses and trailers alike.
 *
 * @param headers as the message came: `req.rawHeaders` keeps repeated fields apart, `req.headers` does too where its values
 * are arrays; `response.headerPairs` and `response.headers` of a ClientResponse
 * @param except further names to leave out, in any case, such as `host`. Default: none
 * @returns pairs in their order, with names in lower case; to flatten for `writeHead`, call `.flat()`
 * @throws TypeError, ERR_INVALID_ARG_VALUE, where `headers` is none of these; TransportError,
 * ERR_PASSINGLANE_INVALID_HEADER, for a value that is neither a string nor a number
 */
export function forwardableHeaders(
  headers: HeadersInput | readonly string[],
  except: readonly string[] = [],
): [name: string, value: string][] {
  const fields = flatFields(headers);
  const dropped = new Set([...hopByHop, ...except.map((name) => name.toLowerCase())]);
  let trailersWelcome = false;
  const pairs: [string, string][] = [];
  for (const [given, value] of fieldPairs(fields)) {
    const name = given.toLowerCase();
    if (name === 'connection') for (const named of tokens(value)) dropped.add(named);
    if (name === 'te') trailersWelcome ||= tokens(value).includes('trailers');
    if (!name.startsWith(':')) pairs.push([name, value]);
  }
  const kept = pairs.filter(([name]) => !dropped.has(name));
  if (trailersWelcome) kept.push(['te', 'trailers']);
  return kept;
}

function flatFields(headers: unknown): readonly string[] {
  if (typeof headers !== 'object' || headers === null) throw invalidArgument('headers', concealed(headers), allowed);
  if (!Array.isArray(headers) || typeof headers[0] !== 'string') return flatten(headers as HeadersInput, 'header');
  if (headers.length % 2 !== 0 || headers.some((one) => typeof one !== 'string'))
    throw invalidArgument('headers', headers, allowed);
  return headers as string[];
}

/** Those of a list, without their parameters: `trailers;q=0.5` is `trailers`. */
function tokens(list: string): string[] {
  return list.split(',').map((one) => one.replace(/;.*/s, '').trim().toLowerCase());
}
