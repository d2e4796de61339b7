import type { OutgoingRequest } from '../ports/index.js';

/** What node:http is told of a request. */
export interface RequestHead {
  readonly method: string;
  /** The request-target in origin-form (RFC 9112 section 3.2.1). */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
}

/** Without content, these go out as they are; node:http would announce chunks for others. */
const plainMethods = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * The head of a request in HTTP/1.1, from the fields that HTTP/2 would send, which are validated. The body is framed by
 * exactly one of content-length and transfer-encoding, never by both (RFC 9112 section 6.2), and by none where there is
 * no body. An extended CONNECT (RFC 8441) is what it stands for: a GET that asks for an upgrade (RFC 6455 section 4.1).
 */
export function requestHead(request: OutgoingRequest): RequestHead {
  const head = { method: 'GET', path: '/', headers: [] as string[] };
  const rest: string[] = [];
  const cookies: string[] = [];
  const { protocol } = request;
  let connection = protocol !== undefined ? 'upgrade' : request.closes ? 'close' : 'keep-alive';
  let length: string | undefined = undefined;
  for (let i = 0; i + 1 < request.fields.length; i += 2) {
    const name = request.fields[i]!;
    const value = request.fields[i + 1]!;
    if (name === ':method') head.method = protocol === undefined ? value : 'GET';
    else if (name === ':path') head.path = value;
    else if (name === ':authority') head.headers.push('host', value);
    else if (name === ':scheme' || name === ':protocol') continue;
    else if (name === 'cookie') cookies.push(value);
    else if (name === 'content-length') length = value;
    else rest.push(name, value);
    if (name === 'te') connection += ', te'; // RFC 9110 section 10.1.4
  }
  head.headers.push('connection', connection);
  if (protocol !== undefined) head.headers.push('upgrade', protocol); // RFC 9110 section 7.8
  head.headers.push(...rest);
  // RFC 9113 section 8.2.3: HTTP/2 may send cookies apart, HTTP/1.1 wants them in one field.
  if (cookies.length > 0) head.headers.push('cookie', cookies.join('; '));
  if (protocol !== undefined) return head;
  // Trailers go only after chunks (RFC 9112 section 7.1.2).
  if (!request.endStream && (length === undefined || request.trailers !== undefined))
    head.headers.push('transfer-encoding', 'chunked');
  else if (length !== undefined) head.headers.push('content-length', length);
  else if (!plainMethods.has(head.method)) head.headers.push('content-length', '0');
  return head;
}

/** Node's raw headers with their names in lower case. */
export function lowerCased(raw: readonly string[]): string[] {
  return raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}
