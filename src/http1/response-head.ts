import { isFieldValue, isToken } from '../ports/index.js';
import { MalformedResponse } from './malformed.js';

/** How the end of a response's body is found (RFC 9112 section 6.3). */
export const Framing = { None: 0, Length: 1, Chunked: 2, Close: 3 } as const;

export type Framing = (typeof Framing)[keyof typeof Framing];

/** What comes before a response's body. */
export interface ResponseHead {
  readonly status: number;
  /** The reason phrase. */
  readonly statusText: string;
  /** Names, in lower case, and values in turn. */
  readonly fields: string[];
  readonly framing: Framing;
  /** Of the body, in bytes, where that is how it is framed. */
  readonly length: number;
  /** The server keeps the connection for another request (RFC 9112 section 9.3). */
  readonly persistent: boolean;
  /** It names a protocol to switch to (RFC 9110 section 7.8). */
  readonly upgrade: boolean;
}

/**
 * Reads a head. `text` is its lines, each with its CRLF, as latin1. Throws where RFC 9112 does not allow what it says, and
 * where two recipients could read it in two ways.
 *
 * @param bodyless the request was one to which no answer has a body
 */
export function readHead(text: string, bodyless: boolean): ResponseHead {
  const end = text.indexOf('\r\n');
  const status = statusOf(text, end);
  const statusText = end > 13 ? text.slice(13, end) : '';
  if (!isFieldValue(statusText)) throw new MalformedResponse('HPE_INVALID_STATUS', 'Invalid response status');
  const fields = readFields(text, end + 2);
  const connection = new Connection();
  let length: string | undefined = undefined;
  let coding: string | undefined = undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case 'content-length':
        if (length !== undefined)
          throw new MalformedResponse('HPE_UNEXPECTED_CONTENT_LENGTH', 'Content-Length already present');
        length = value;
        break;
      case 'transfer-encoding':
        if (coding !== undefined) throw codingRefused('Transfer-Encoding already present');
        coding = value;
        break;
      case 'connection':
        connection.add(value);
        break;
      case 'upgrade':
        connection.named = true;
        break;
    }
  }
  const old = text.charCodeAt(7) === 0x30; // HTTP/1.0
  if (coding !== undefined) checkCoding(coding, length !== undefined, old);
  const size = length === undefined ? -1 : contentLength(length);
  const framing = framingOf(status, bodyless, coding !== undefined, size);
  // RFC 9110 section 8.6, RFC 9112 section 6.1: neither has a place in it, and a server that sends one may send a body too.
  const doubtful = status === 204 && (coding !== undefined || size > 0);
  const persistent = framing !== Framing.Close && !connection.close && (!old || connection.keepAlive) && !doubtful;
  const upgrade = connection.upgrade && connection.named;
  return { status, statusText, fields, framing, length: size, persistent, upgrade };
}

/** `HTTP/1.x SP 3DIGIT`, and behind it SP and a reason phrase, without which servers leave out the SP as well. */
function statusOf(text: string, end: number): number {
  if (!text.startsWith('HTTP/')) throw new MalformedResponse('HPE_INVALID_CONSTANT', 'Expected HTTP/');
  const minor = text.charCodeAt(7);
  if (!text.startsWith('1.', 5) || (minor !== 0x30 && minor !== 0x31) || text.charCodeAt(8) !== 0x20)
    throw new MalformedResponse('HPE_INVALID_VERSION', 'Invalid HTTP version');
  const status = decimal(text.slice(9, 12));
  if (end < 12 || !(status >= 100) || (end > 12 && text.charCodeAt(12) !== 0x20))
    throw new MalformedResponse('HPE_INVALID_STATUS', 'Invalid status code');
  return status;
}

/**
 * The fields from `at` on. There is no white space before a colon, and no line is continued (RFC 9112 sections 5.1 and
 * 5.2): what one recipient takes for a field another takes for a piece of one.
 */
export function readFields(text: string, at: number): string[] {
  const fields: string[] = [];
  while (at < text.length) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    const name = text.slice(at, colon < 0 || colon > end ? end : colon);
    if (colon < 0 || colon > end || !isToken(name))
      throw new MalformedResponse('HPE_INVALID_HEADER_TOKEN', 'Invalid header token');
    const value = trimmed(text, colon + 1, end);
    if (!isFieldValue(value)) throw new MalformedResponse('HPE_INVALID_HEADER_TOKEN', 'Invalid header value char');
    fields.push(name.toLowerCase(), value);
    at = end + 2;
  }
  return fields;
}

/** Without SP and HTAB around it (RFC 9112 section 5). */
function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** NaN for all but digits. */
function decimal(text: string): number {
  return /^[0-9]+$/.test(text) ? Number(text) : NaN;
}

function contentLength(value: string): number {
  const length = decimal(value);
  // Beyond that not every number of bytes can be told from its neighbour.
  if (!Number.isSafeInteger(length))
    throw new MalformedResponse('HPE_INVALID_CONTENT_LENGTH', 'Invalid character in Content-Length');
  return length;
}

/** Chunks, in HTTP/1.1 and without a content-length beside them, are all that a client that asks for no other is sent. */
function checkCoding(coding: string, hasLength: boolean, old: boolean): void {
  // RFC 9112 section 6.1: both together may be an attempt at smuggling.
  if (hasLength) throw codingRefused("Transfer-Encoding can't be present with Content-Length");
  if (old) throw codingRefused("Transfer-Encoding can't be present in HTTP/1.0");
  if (coding.toLowerCase() !== 'chunked') throw codingRefused('Transfer-Encoding is not chunked');
}

function codingRefused(reason: string): MalformedResponse {
  return new MalformedResponse('HPE_INVALID_TRANSFER_ENCODING', reason);
}

function framingOf(status: number, bodyless: boolean, chunked: boolean, length: number): Framing {
  if (bodyless || status < 200 || status === 204 || status === 304) return Framing.None;
  if (chunked) return Framing.Chunked;
  if (length === -1) return Framing.Close;
  return length === 0 ? Framing.None : Framing.Length;
}

/** The options in a head's Connection fields. */
class Connection {
  close = false;
  keepAlive = false;
  upgrade = false;
  /** There is an Upgrade field. */
  named = false;

  add(value: string): void {
    for (const option of value.toLowerCase().split(',')) {
      switch (option.trim()) {
        case 'close':
          this.close = true;
          break;
        case 'keep-alive':
          this.keepAlive = true;
          break;
        case 'upgrade':
          this.upgrade = true;
          break;
      }
    }
  }
}
