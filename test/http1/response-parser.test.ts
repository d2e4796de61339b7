/** What our parser makes of responses of HTTP/1.1, in one read, byte by byte, and cut anywhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../fuzz/random.js';
import { cut, readOurs, readTheirs, recent, type Reading } from './two-parsers.js';

/** Lines end in CRLF on the wire. */
const wire = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

const plain: Reading = { interim: [], status: 200, statusText: 'OK', fields: [], body: '', trailers: [] };

const hello = { ...plain, body: 'hello' };

const chunked = 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n';
const chunkedHello = { ...hello, fields: ['transfer-encoding', 'chunked'] };

/** What older parsers of Node's refuse. */
const quotedExtensions = 'extensions of chunks in quotes';

const taken: Record<string, readonly [text: string, expected: Reading, method?: string]> = {
  'a body of a known length': [
    'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    { ...hello, fields: ['content-length', '5'] },
  ],
  'no body': ['HTTP/1.1 200 OK\nContent-Length: 0\n\n', { ...plain, fields: ['content-length', '0'] }],
  'a body that ends with its connection': ['HTTP/1.1 200 OK\n\nhello', hello],
  'HTTP/1.0': ['HTTP/1.0 200 OK\n\nhello', hello],
  chunks: [`${chunked}2\nhe\n3\nllo\n0\n\n`, chunkedHello],
  'chunks of sizes with zeros before them, in letters of either case': [
    `${chunked}00A\n0123456789\n0b\n0123456789a\n000\n\n`,
    { ...chunkedHello, body: '01234567890123456789a' },
  ],
  'extensions of chunks': [`${chunked}5;a;b=c\nhello\n0;last\n\n`, chunkedHello],
  [quotedExtensions]: [`${chunked}5;a="b;c"\nhello\n0\n\n`, chunkedHello],
  trailers: [
    `${chunked}5\nhello\n0\nX-End: yes\nx-two:\n\n`,
    { ...chunkedHello, trailers: ['x-end', 'yes', 'x-two', ''] },
  ],
  'interim responses': [
    'HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: <a>\n\nHTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    { ...hello, interim: [100, 103], fields: ['content-length', '5'] },
  ],
  'a status without a reason': [
    'HTTP/1.1 200 \nContent-Length: 0\n\n',
    { ...plain, statusText: '', fields: ['content-length', '0'] },
  ],
  'a status without the space before a reason': [
    'HTTP/1.1 200\nContent-Length: 0\n\n',
    { ...plain, statusText: '', fields: ['content-length', '0'] },
  ],
  'bytes beyond ASCII in a reason and a value': [
    'HTTP/1.1 200 \xe9\nx: \xff\nContent-Length: 0\n\n',
    { ...plain, statusText: '\xe9', fields: ['x', '\xff', 'content-length', '0'] },
  ],
  'values with blanks around them, and empty ones': [
    'HTTP/1.1 200 OK\na:\nb: \t c d \t \nContent-Length:0\n\n',
    { ...plain, fields: ['a', '', 'b', 'c d', 'content-length', '0'] },
  ],
  '204 has no body whatever it says': [
    'HTTP/1.1 204 No Content\n\n',
    { ...plain, status: 204, statusText: 'No Content' },
  ],
  '304 has no body whatever it says': [
    'HTTP/1.1 304 Not Modified\nContent-Length: 5\n\n',
    { ...plain, status: 304, statusText: 'Not Modified', fields: ['content-length', '5'] },
  ],
  'what answers HEAD has no body whatever it says': [
    'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n',
    { ...plain, fields: ['transfer-encoding', 'chunked'] },
    'HEAD',
  ],
};

for (const [what, [text, expected, method = 'GET']] of Object.entries(taken))
  test(`${what}: the same however it is cut, and for node:http`, async () => {
    const bytes = wire(text);
    const random = new Random(text.length);
    const cuts = [
      [bytes],
      [...bytes].map((byte) => Buffer.of(byte)),
      ...Array.from({ length: 20 }, () => cut(bytes, random)),
    ];
    for (const pieces of cuts) assert.deepEqual(readOurs(pieces, method === 'HEAD').whole, expected);
    if (what !== quotedExtensions || recent) assert.deepEqual((await readTheirs(bytes, method)).whole, expected);
  });

const refused: readonly [text: string, code: string][] = [
  ['SSH-2.0-OpenSSH\n', 'HPE_INVALID_CONSTANT'],
  ['\0\0\0\x04\0\0\0\0\0', 'HPE_INVALID_CONSTANT'],
  ['\nHTTP/1.1 200 OK\n\n', 'HPE_INVALID_CONSTANT'],
  ['http/1.1 200 OK\n\n', 'HPE_INVALID_CONSTANT'],
  ['HTTP/2.0 200 OK\n\n', 'HPE_INVALID_VERSION'],
  ['HTTP/1.2 200 OK\n\n', 'HPE_INVALID_VERSION'],
  ['HTTP/1.1  200 OK\n\n', 'HPE_INVALID_STATUS'],
  ['HTTP/1.1 20 OK\n\n', 'HPE_INVALID_STATUS'],
  ['HTTP/1.1 2000 OK\n\n', 'HPE_INVALID_STATUS'],
  ['HTTP/1.1 099 OK\n\n', 'HPE_INVALID_STATUS'],
  ['HTTP/1.1 200 O\0K\n\n', 'HPE_INVALID_STATUS'],
  ['HTTP/1.1 200 OK\nno colon\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\n: no name\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nbad name: x\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nContent-Length : 5\n\nhello', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\n x: at first\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nx: continued\n here\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nx: a\0b\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nx: a\rb\n\n', 'HPE_INVALID_HEADER_TOKEN'],
  ['HTTP/1.1 200 OK\nContent-Length: +5\n\nhello', 'HPE_INVALID_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length: 5 5\n\nhello', 'HPE_INVALID_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length: 5, 5\n\nhello', 'HPE_INVALID_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length:\n\nhello', 'HPE_INVALID_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length: 9007199254740992\n\n', 'HPE_INVALID_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 5\n\nhello', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n0\n\n', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['HTTP/1.1 200 OK\nTransfer-Encoding: identity\n\nhello', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n0\n\n', 'HPE_INVALID_TRANSFER_ENCODING'],
  ['HTTP/1.0 103 Early Hints\n\nHTTP/1.0 200 OK\n\n', 'HPE_CLOSED_CONNECTION'],
  ['HTTP/1.1 100 Continue\nConnection: close\n\nHTTP/1.1 200 OK\n\n', 'HPE_CLOSED_CONNECTION'],
  [`${chunked}\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}0x5\nhello\n0\n\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}5 \nhello\n0\n\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}5;a\0b\nhello\n0\n\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}20000000000000\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}00000000000000005\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}5\nhelloX\n0\n\n`, 'HPE_INVALID_CHUNK_SIZE'],
  [`${chunked}5;${'x'.repeat(20_000)}\n`, 'HPE_CHUNK_EXTENSIONS_OVERFLOW'],
  [`${chunked}0\nContent-Length: 5\n\n`, 'HPE_INVALID_HEADER_TOKEN'],
  [`${chunked}0\nbad name: x\n\n`, 'HPE_INVALID_HEADER_TOKEN'],
  [`HTTP/1.1 200 OK\nx: ${'y'.repeat(20_000)}`, 'HPE_HEADER_OVERFLOW'],
  [`${chunked}0\nx: ${'y'.repeat(20_000)}`, 'HPE_HEADER_OVERFLOW'],
];

test('what breaks the syntax, or could be read in two ways, is refused however it is cut', () => {
  for (const [text, code] of refused) {
    const bytes = wire(text);
    const random = new Random(text.length);
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.of(byte)), cut(bytes, random), cut(bytes, random)]) {
      const { whole, refusal } = readOurs(pieces);
      assert.deepEqual([whole, refusal?.split(':')[0]], [undefined, code], JSON.stringify(text.slice(0, 100)));
    }
  }
});

test('a line that ends without CR is refused at once, in a head and in trailers', () => {
  for (const text of [
    'HTTP/1.1 200 OK\n',
    'HTTP/1.1 200 OK\r\nx: y\n',
    `${chunked.replaceAll('\n', '\r\n')}0\r\nx: y\n`,
  ])
    assert.match(readOurs([Buffer.from(text)]).refusal ?? 'taken', /HPE_CR_EXPECTED/);
});

test('what is behind a response is no part of it, wherever reads are cut', () => {
  const responses = [
    'HTTP/1.1 204 No\n\n',
    'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    `${chunked}5\nhello\n0\nx: y\n\n`,
  ];
  for (const text of responses) {
    const bytes = wire(text);
    const longer = Buffer.concat([bytes, wire('HTTP/1.1 200 OK\n\n')]);
    for (const pieces of [[longer], [...longer].map((byte) => Buffer.of(byte)), cut(longer, new Random(1))])
      assert.equal(readOurs(pieces).used, bytes.length);
  }
});

test('a response that is cut short is not whole', () => {
  for (const text of ['HTTP/1.1 200 OK\nContent-Length: 5\n\nhello', `${chunked}5\nhello\n0\nx: y\n\n`]) {
    const bytes = wire(text);
    for (let end = 0; end < bytes.length; end++) {
      const { whole, refusal } = readOurs([bytes.subarray(0, end)]);
      assert.deepEqual([whole, refusal], [undefined, undefined], String(end));
    }
  }
});
