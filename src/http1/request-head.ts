import { isFieldValue, isToken, quoteName, type OutgoingRequest } from '../ports/index.js';
import { unwritable } from './failures.js';

/** A request before its body. */
export interface RequestHead {
  readonly method: string;
  /** The request-target in origin-form (RFC 9112 section 3.2.1). */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  /** The body goes out in chunks (RFC 9112 section 7.1). */
  chunked: boolean;
}

/** No white space, which would end it, and no control characters. */
const requestTarget = /^[!-~\x80-\xff]+$/;

/** Without content, these go out as they are; others say that there is none (RFC 9110 section 8.6). */
const plainMethods = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * The head of a request in HTTP/1.1, from the fields that HTTP/2 would send, which are validated. The body is framed by
 * exactly one of content-length and transfer-encoding, never by both (RFC 9112 section 6.2), and by none where there is
 * no body. An extended CONNECT (RFC 8441) is what it stands for: a GET that asks for an upgrade (RFC 6455 section 4.1).
 */
export function requestHead(request: OutgoingRequest): RequestHead {
  const head = { method: 'GET', path: '/', headers: [] as string[], chunked: false };
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
  head.chunked = !request.endStream && (length === undefined || request.trailers !== undefined);
  if (head.chunked) head.headers.push('transfer-encoding', 'chunked');
  else if (length !== undefined) head.headers.push('content-length', length);
  else if (!plainMethods.has(head.method)) head.headers.push('content-length', '0');
  return head;
}

/**
 * The head as it goes out. All of it was validated where it came in; looked at once more, no part of it can be taken for
 * another, whatever way it came. Throws ERR_PASSINGLANE_INVALID_REQUEST.
 */
export function writeHead({ method, path, headers }: RequestHead, origin: string): string {
  if (!isToken(method) || !requestTarget.test(path)) throw unwritable(origin, 'request line');
  return `${method} ${path} HTTP/1.1\r\n${writeFields(headers, origin)}\r\n`;
}

/** Fields, each with its CRLF. Throws as `writeHead` does. */
export function writeFields(fields: readonly string[], origin: string): string {
  let text = '';
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    if (!isToken(name) || !isFieldValue(value)) throw unwritable(origin, `field ${quoteName(name)}`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}
