/** One response, as our parser and as node:http's have it. Ours may refuse more, and never takes for something else. */
import { request, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { ResponseParser } from '../../dist/http1/response-parser.js';
import type { ResponseHead } from '../../dist/http1/response-head.js';
import type { Random } from '../fuzz/random.js';

const limit = 16_384;

/** The parser of Nodes before that lets much pass that it refuses since, and refuses extensions of chunks in quotes. */
export const recent = Number(process.versions['llhttp']?.split('.')[0]) >= 9;

export interface Reading {
  /** Of interim responses. */
  readonly interim: readonly number[];
  readonly status: number;
  readonly statusText: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface Read {
  /** Undefined: it is not whole, or was refused. */
  readonly whole: Reading | undefined;
  /** Why it was refused. */
  readonly refusal: string | undefined;
}

/** What our parser makes of it. `used`: how much of it is the response's; Infinity: it ends with its connection. */
export function readOurs(pieces: readonly Buffer[], bodyless = false): Read & { readonly used: number } {
  const interim: number[] = [];
  let head: ResponseHead | undefined = undefined;
  let body = '';
  let piece: Buffer = Buffer.alloc(0);
  const listener = {
    onHead(next: ResponseHead): void {
      if (next.status < 200 && next.status !== 101) interim.push(next.status);
      else head = next;
    },
    onBody(start: number, end: number): void {
      body += piece.toString('latin1', start, end);
    },
  };
  const parser = new ResponseParser(listener, bodyless, limit);
  let used = 0;
  try {
    for (piece of pieces) {
      used += parser.execute(piece);
      if (parser.whole) break;
    }
  } catch (error) {
    const { code, reason } = error as { code: string; reason: string };
    return { whole: undefined, refusal: `${code}: ${reason}`, used };
  }
  const early = parser.whole;
  if (!parser.finish() || head === undefined) return { whole: undefined, refusal: undefined, used };
  const { status, statusText, fields } = head as ResponseHead;
  const { trailers } = parser;
  return {
    whole: { interim, status, statusText, fields, body, trailers },
    refusal: undefined,
    used: early ? used : Infinity,
  };
}

const lower = (raw: readonly string[]): string[] => raw.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));

/** What node:http makes of it, and of the end of the connection behind it. */
export function readTheirs(bytes: Buffer, method = 'GET'): Promise<Read> {
  return new Promise((resolve) => {
    const interim: number[] = [];
    let response: IncomingMessage | undefined = undefined;
    let body = '';
    const socket = new Duplex({
      read: () => undefined,
      write(_chunk, _encoding, done) {
        done();
        if (socket.readableEnded || sent) return;
        sent = true;
        socket.push(bytes);
        socket.push(null);
      },
    });
    let sent = false;
    const end = (refusal: string | undefined, whole = false): void => {
      call.destroy();
      const { statusCode = 0, statusMessage = '', rawHeaders, rawTrailers } = response ?? ({} as IncomingMessage);
      resolve({
        whole: whole
          ? {
              interim,
              status: statusCode,
              statusText: statusMessage,
              fields: lower(rawHeaders),
              body,
              trailers: lower(rawTrailers),
            }
          : undefined,
        refusal,
      });
    };
    const call = request({
      method,
      createConnection: () => socket,
      maxHeaderSize: limit,
      insecureHTTPParser: false,
      headers: { connection: 'keep-alive' },
    });
    call.maxHeadersCount = 0;
    call.on('information', ({ statusCode }) => interim.push(statusCode));
    call.on('upgrade', (got) => {
      response = got;
      end(undefined, true);
    });
    call.on('response', (got) => {
      response = got;
      got.setEncoding('latin1');
      got.on('data', (text: string) => (body += text));
      got.on('end', () => end(undefined, got.complete));
      got.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    });
    call.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    call.end();
  });
}

const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.2',
  'HTTP/11',
];
const statuses = ['200', '200', '200', '204', '304', '404', '100', '103', '099', '20', '2000', '2x0', ' 200', '999'];
const reasons = [' OK', ' OK', '', ' ', '  two  ', ' \x80\xff', ' a\tb', ' a\0b', '\tOK', ' a\rb'];
const names = [
  'x-a',
  'X-B',
  'set-cookie',
  'Content-Type',
  'a b',
  'x-a ',
  '',
  'x\x80',
  'x(',
  'x_y',
  'keep-alive',
  'upgrade',
  'trailer',
];
const separators = [': ', ': ', ': ', ':', ':\t', ' : ', ':  ', ': \r\n ', ''];
const values = [
  '1',
  'some text',
  '',
  'a, b',
  'caf\xe9',
  'a\0b',
  'a\rb',
  'a\nb',
  '\x7f',
  ' \t ',
  'timeout=5',
  'websocket',
  '"q;,"',
];
const lineEnds = [
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\r\n ',
  '\r\r\n',
];
const lengths = [
  '0',
  '5',
  '5',
  '5',
  '05',
  '+5',
  '-5',
  '5 ',
  '5, 5',
  '5,6',
  '0x5',
  '',
  '5.0',
  '18446744073709551621',
  '9007199254740993',
];
const codings = [
  'chunked',
  'chunked',
  'chunked',
  'Chunked',
  'gzip',
  'gzip, chunked',
  'chunked, gzip',
  'chunked, chunked',
  'identity',
  '',
  'xchunked',
  'chunked;a=b',
  '\tchunked',
];
const connections = ['close', 'keep-alive', 'Close', 'upgrade', 'close, keep-alive', 'x', ''];
const sizes = [
  '5',
  '5',
  '5',
  '05',
  '0005',
  'A',
  'a',
  '0',
  '5 ',
  ' 5',
  '+5',
  '-5',
  '0x5',
  '',
  'g',
  '5;x',
  '5;x=y',
  '5;x="y;z"',
  '5;',
  '5 ;x',
  '5;x y',
  '5;x=\x80',
  'fffffffffffffffff',
  '10000000000000005',
];
const chunkEnds = ['\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '', '\r\n\r\n', 'x\r\n'];
const noise = ['\r', '\n', '\r\n', ' ', '\t', ':', ';', ',', '0', '5', '\0', '\x80', '\x7f', 'x', '\r\n\r\n', '-', '+'];

/** Mostly what a server could send; `odd` says how seldom a part of it is not. */
export function invent(random: Random): string {
  const odd = 2 + random.below(30);
  const some = (list: readonly string[]): string => (random.chance(odd) ? random.pick(list) : list[0]!);
  let text = random.chance(6)
    ? `HTTP/1.1 ${random.pick(['100', '103', '102'])} x\r\n${random.chance(3) ? random.pick(['link: <a>', 'link: <a>', 'connection: close', 'content-length: 5']) + '\r\n' : ''}\r\n`
    : '';
  text += `${random.chance(40) ? random.pick(noise) : ''}${some(versions)} ${some(statuses)}${some(reasons)}${some(lineEnds)}`;
  for (let i = random.below(4); i > 0; i--)
    text += `${random.pick(names.slice(0, random.chance(odd) ? names.length : 4))}${some(separators)}${some(values)}${some(lineEnds)}`;
  if (random.chance(3))
    text += `${random.pick(['Connection', 'connection'])}${some(separators)}${random.pick(connections)}${some(lineEnds)}`;
  const framed = random.below(4);
  if (framed === 0 || random.chance(odd * 2))
    text += `Content-Length${some(separators)}${random.chance(odd) ? random.pick(lengths) : '5'}${some(lineEnds)}`;
  const chunked = framed === 1;
  if (chunked || random.chance(odd * 2))
    text += `transfer-encoding${some(separators)}${some(codings)}${some(lineEnds)}`;
  if (random.chance(odd * 3)) text += `content-length: ${random.pick(lengths)}\r\n`;
  text += some(lineEnds);
  if (!chunked) text += 'hello'.slice(0, random.chance(odd) ? random.below(6) : 5);
  else {
    for (let i = random.below(4); i > 0; i--) text += `${some(sizes)}${some(chunkEnds)}hello${some(chunkEnds)}`;
    text += `${random.chance(odd) ? random.pick(['', '00', '0;x', '0 ']) : '0'}${some(chunkEnds)}`;
    for (let i = random.chance(3) ? random.below(3) : 0; i > 0; i--)
      text += `${random.pick(random.chance(odd) ? [...names, 'content-length', 'transfer-encoding'] : ['x-end'])}${some(separators)}${some(values)}${some(lineEnds)}`;
    text += some(lineEnds);
  }
  if (random.chance(odd)) text += random.pick(['HTTP/1.1 200 OK\r\n\r\n', 'x', '\r\n', '\0']);
  for (let i = random.chance(4) ? 1 + random.below(2) : 0; i > 0; i--) {
    const at = random.below(text.length + 1);
    text = text.slice(0, at) + (random.chance(3) ? '' : random.pick(noise)) + text.slice(at + random.below(3));
  }
  return random.chance(12) ? text.slice(0, random.below(text.length + 1)) : text;
}

/** The same bytes in several reads. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(random.chance(3) ? 3 : 40);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}
