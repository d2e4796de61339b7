import type { Field } from '../support/hpack.js';
import { anyFrame, data, headers, ok, reset, type Arrival, type Rule } from './transcript.js';

const failed = (code: string): string => `ERR_PASSINGLANE_PROTOCOL ${code}`;

/** RFC 9113 section 5: streams. */
const streams: readonly Rule[] = [
  ...(
    [
      ['HEADERS', headers(ok, { id: 3 })],
      ['DATA', data('x', { id: 3 })],
      ['HEADERS on a stream of the server that was never promised', headers(ok, { id: 2 })],
    ] as const
  ).map(([what, first]): Rule => ({
    rfc: 9113,
    section: '5.1',
    must: `${what} on an idle stream is a connection error of type PROTOCOL_ERROR`,
    given: 'request',
    arrives: [first],
    sends: ['GOAWAY PROTOCOL_ERROR'],
    caller: failed('PROTOCOL_ERROR'),
    connection: 'PROTOCOL_ERROR',
  })),
  ...(
    [
      ['HEADERS', headers([['x', 'y']], { end: true })],
      ['DATA', data('late')],
    ] as const
  ).map(([what, first]): Rule => ({
    rfc: 9113,
    section: '5.1',
    must: `${what} on a half-closed (remote) stream is a stream error of type STREAM_CLOSED`,
    given: 'answered',
    arrives: [first],
    sends: ['RST_STREAM 1 STREAM_CLOSED'],
    caller: '200, whole, ERR_PASSINGLANE_PROTOCOL STREAM_CLOSED',
    connection: 'lives',
  })),
  {
    rfc: 9113,
    section: '5.1',
    must: 'WINDOW_UPDATE, PRIORITY and RST_STREAM on a half-closed (remote) stream are no error',
    given: 'answered',
    arrives: [anyFrame(0x8, 0, 1, Buffer.of(0, 0, 0, 9)), anyFrame(0x2, 0, 1, 5), reset(0)],
    sends: [],
    caller: '200, whole, ERR_PASSINGLANE_STREAM_RESET NO_ERROR',
    connection: 'lives',
  },
  ...(
    [
      ['HEADERS', headers([['x', 'y']], { end: true })],
      ['DATA', data('late')],
    ] as const
  ).map(([what, late]): Rule => ({
    rfc: 9113,
    section: '5.1',
    must: `${what} on a stream that both sides have ended is answered with STREAM_CLOSED, once; the connection lives`,
    given: 'over',
    arrives: [late, late],
    sends: ['RST_STREAM 1 STREAM_CLOSED'],
    caller: '200, whole',
    connection: 'lives',
  })),
  {
    rfc: 9113,
    section: '5.1',
    must: 'frames that come after our RST_STREAM are ignored, whatever they are, DATA counting for the connection',
    given: 'cancelled',
    arrives: [headers(ok), data('x'), anyFrame(0x8, 0, 1, Buffer.of(0, 0, 0, 9)), reset(8)],
    sends: [],
    connection: 'lives',
  },
  {
    rfc: 9113,
    section: '5.1.1',
    must: 'streams that a client opens have odd identifiers that rise, and an identifier is not used twice',
    test: [
      'legal traffic in any order keeps to the windows and limits of the peer',
      'stream identifiers run out, and then the connection takes no more',
    ],
  },
  {
    rfc: 9113,
    section: '5.1.2',
    must: "no more streams are open than the server's SETTINGS_MAX_CONCURRENT_STREAMS allows, 0 included",
    test: 'the limit counts from 0 on, lowering it ends nothing, and raising it wakes those who wait',
  },
  {
    rfc: 9113,
    section: '5.4.1',
    must: 'a connection error is answered with GOAWAY, and then the connection is closed',
    given: 'response',
    arrives: [data('before'), anyFrame(0x6, 0, 0, 9), data('after')],
    sends: ['GOAWAY FRAME_SIZE_ERROR'],
    caller: '200, body "before", ERR_PASSINGLANE_PROTOCOL FRAME_SIZE_ERROR',
    connection: 'FRAME_SIZE_ERROR',
  },
  {
    rfc: 9113,
    section: '5.4.1',
    must: 'GOAWAY is written with a bound on the time before the connection is closed',
    test: 'the GOAWAY of a connection error reaches the peer before the socket ends, and a peer that reads nothing delays the end by a bound',
  },
  {
    rfc: 9113,
    section: '5.4.2',
    must: 'RST_STREAM is not answered with RST_STREAM',
    given: 'request',
    arrives: [reset(1)],
    sends: [],
    caller: 'ERR_PASSINGLANE_STREAM_RESET PROTOCOL_ERROR',
    connection: 'closes',
  },
  {
    rfc: 9113,
    section: '5.5',
    must: 'frames of unknown types are discarded, on any stream',
    given: 'request',
    arrives: [
      anyFrame(0xee, 0xff, 1, 30),
      anyFrame(0xee, 0, 77),
      ...[0xa, 0xb, 0xc, 0xd, 0xe, 0xf].map((type) => anyFrame(type, 0, 0, 4)),
    ],
    sends: [],
    caller: 'waits',
    connection: 'lives',
  },
];

/** RFC 9113 section 8: what makes a response malformed, which is a stream error of type PROTOCOL_ERROR (8.1.1). */
const malformed: readonly (readonly [section: string, must: string, fields: readonly Field[]])[] = [
  ['8.1.1', 'content-length that is no number', [...ok, ['content-length', '1a']]],
  ['8.1.1', 'content-length given twice, differently', [...ok, ['content-length', '1'], ['content-length', '2']]],
  ['8.2.1', 'a field name with upper case', [...ok, ['Server', 'x']]],
  ['8.2.1', 'a field name with a space', [...ok, ['a b', 'x']]],
  ['8.2.1', 'a field name with a control character', [...ok, ['a\u0001', 'x']]],
  ['8.2.1', 'a field name with a byte from 0x7f on', [...ok, ['a\u007f', 'x']]],
  ['8.2.1', 'a field name with a colon inside', [...ok, ['a:b', 'x']]],
  ['8.2.1', 'an empty field name', [...ok, ['', 'x']]],
  ['8.2.1', 'NUL in a value', [...ok, ['x', 'a\0b']]],
  ['8.2.1', 'LF in a value', [...ok, ['x', 'a\nb']]],
  ['8.2.1', 'CR in a value', [...ok, ['x', 'a\rb']]],
  ['8.2.1', 'white space before a value', [...ok, ['x', ' a']]],
  ['8.2.1', 'white space after a value', [...ok, ['x', 'a\t']]],
  ['8.2.2', 'connection', [...ok, ['connection', 'close']]],
  ['8.2.2', 'keep-alive', [...ok, ['keep-alive', 'timeout=5']]],
  ['8.2.2', 'proxy-connection', [...ok, ['proxy-connection', 'close']]],
  ['8.2.2', 'transfer-encoding', [...ok, ['transfer-encoding', 'chunked']]],
  ['8.2.2', 'upgrade', [...ok, ['upgrade', 'h2c']]],
  ['8.3', 'an undefined pseudo-field', [...ok, [':version', '2']]],
  ['8.3', 'a pseudo-field of requests', [...ok, [':path', '/']]],
  ['8.3', 'a pseudo-field after a regular field', [['server', 'x'], ...ok]],
  ['8.3', 'a pseudo-field that is there twice', [...ok, ...ok]],
  ['8.3.2', 'no :status', [['server', 'x']]],
  ['8.3.2', ':status that is no number of three digits', [[':status', '20']]],
  ['8.6', 'status 101, which HTTP/2 does not have', [[':status', '101']]],
];

const malformedRules = malformed.map(([section, must, fields]): Rule => ({
  rfc: 9113,
  section,
  must: `a response with ${must} is malformed: a stream error of type PROTOCOL_ERROR`,
  given: 'request',
  arrives: [headers(fields, { end: true })],
  sends: ['RST_STREAM 1 PROTOCOL_ERROR'],
  caller: failed('PROTOCOL_ERROR'),
  connection: 'lives',
}));

/** What follows a first header block, and what it makes of the response. */
interface Following {
  readonly section: string;
  readonly must: string;
  readonly given: 'request' | 'head' | 'response' | 'length';
  readonly arrives: readonly Arrival[];
  /** What the caller sees before the stream error. */
  readonly before?: string;
  readonly code?: string;
}

const following: readonly Following[] = [
  { section: '8.1', must: 'DATA before the headers of a response', given: 'request', arrives: [data('x')] },
  {
    section: '8.1',
    must: 'END_STREAM on a 1xx response',
    given: 'request',
    arrives: [headers([[':status', '103']], { end: true })],
  },
  {
    section: '8.1',
    must: 'a second header block without END_STREAM',
    given: 'response',
    arrives: [headers([['x', 'y']])],
    before: '200, ',
  },
  {
    section: '8.1',
    must: 'a pseudo-field in trailers',
    given: 'response',
    arrives: [headers(ok, { end: true })],
    before: '200, ',
  },
  {
    section: '8.2.2',
    must: 'a connection-specific field in trailers',
    given: 'response',
    arrives: [headers([['connection', 'close']], { end: true })],
    before: '200, ',
  },
  {
    section: '8.1.1',
    must: 'a body shorter than content-length',
    given: 'length',
    arrives: [data('ab', { end: true })],
    before: '200, body "ab", ',
    code: 'ERR_PASSINGLANE_RESPONSE_LENGTH',
  },
  {
    section: '8.1.1',
    must: 'a body longer than content-length',
    given: 'length',
    arrives: [data('abcd')],
    before: '200, body "abc", ',
    code: 'ERR_PASSINGLANE_RESPONSE_LENGTH',
  },
  {
    section: '8.1.1',
    must: 'a body shorter than content-length, before trailers',
    given: 'length',
    arrives: [data('a'), headers([['x', 'y']], { end: true })],
    before: '200, body "a", ',
    code: 'ERR_PASSINGLANE_RESPONSE_LENGTH',
  },
  {
    section: '8.1.1',
    must: 'content in a response to HEAD',
    given: 'head',
    arrives: [headers(ok), data('x')],
    before: '200, ',
  },
  {
    section: '8.1.1',
    must: 'content in a 204 response',
    given: 'request',
    arrives: [headers([[':status', '204']]), data('x')],
    before: '204, ',
  },
  {
    section: '8.1.1',
    must: 'content in a 304 response',
    given: 'request',
    arrives: [headers([[':status', '304']]), data('x')],
    before: '304, ',
  },
];

const followingRules = following.map(
  ({ section, must, given, arrives, before = '', code = 'ERR_PASSINGLANE_PROTOCOL' }): Rule => ({
    rfc: 9113,
    section,
    must: `${must} is malformed: a stream error of type PROTOCOL_ERROR`,
    given,
    arrives,
    sends: ['RST_STREAM 1 PROTOCOL_ERROR'],
    caller: `${before}${code} PROTOCOL_ERROR`,
    connection: 'lives',
  }),
);

const messages: readonly Rule[] = [
  {
    rfc: 9113,
    section: '8.1',
    must: 'any number of 1xx responses, the final one, DATA and trailers make a response',
    given: 'request',
    arrives: [
      headers([[':status', '100']]),
      headers([[':status', '103']]),
      headers(ok),
      data('abc'),
      headers([['x', 'y']], { end: true }),
    ],
    sends: [],
    caller: '1xx: 100 103, 200, body "abc", trailers x: y, whole',
    connection: 'lives',
  },
  {
    rfc: 9113,
    section: '8.1',
    must: 'RST_STREAM with NO_ERROR after a whole response leaves the response as it is',
    given: 'answered',
    arrives: [reset(0)],
    sends: [],
    caller: '200, whole, ERR_PASSINGLANE_STREAM_RESET NO_ERROR',
    connection: 'lives',
  },
  {
    rfc: 9113,
    section: '8.1',
    must: 'RST_STREAM with NO_ERROR before the end of a response is no end of it',
    given: 'response',
    arrives: [data('half'), reset(0)],
    sends: [],
    caller: '200, body "half", ERR_PASSINGLANE_STREAM_RESET NO_ERROR',
    connection: 'lives',
  },
  {
    rfc: 9113,
    section: '8.1.1',
    must: 'a response to HEAD, a 204 and a 304 may have a content-length that no content follows',
    given: 'head',
    arrives: [headers([...ok, ['content-length', '42']], { end: true })],
    sends: [],
    caller: '200, whole',
    connection: 'lives',
  },
  ...(
    [
      [
        '8.2',
        'field names are sent in lower case',
        "pseudo-fields, trailer, the caller's fields, ours, content-length, accept-encoding, user-agent",
      ],
      [
        '8.2.1',
        'no request is made with an invalid name or value',
        'a name is a token and a value has no control character; the value never shows',
      ],
      [
        '8.2.2',
        'no connection-specific field is sent',
        [
          'connection is dropped when it is one close or keep-alive',
          'transfer-encoding is dropped when it is one chunked',
          'proxy-connection and keep-alive are dropped whatever they say',
          'upgrade is dropped when empty and refused otherwise',
        ],
      ],
      ['8.2.2', 'te has no value other than trailers', 'te may only be trailers'],
      ['8.2.3', 'cookie may be split into fields, each a cookie-pair', 'cookies are sent in pieces'],
      [
        '8.3.1',
        ':method, :scheme and :path are sent once each, before regular fields, with no other pseudo-field',
        ["pseudo-fields, trailer, the caller's fields, ours", "a pseudo-field among the caller's fields is refused"],
      ],
      [
        '8.3.1',
        ':authority has no user-info, and is not in conflict with host',
        [
          'user-info is refused, in the authority and in a host field',
          'a host field of the caller becomes the authority and is not sent as a field',
        ],
      ],
      [
        '8.3.1',
        ':path is not empty: "/" at least, or "*" for OPTIONS',
        'a path begins with a slash, or is * with OPTIONS',
      ],
      ['8.5', 'CONNECT has :method and :authority alone, with a port', 'a plain CONNECT has method and authority only'],
      ['8.4', 'a client does not push', 'PUSH_PROMISE ends the connection'],
      [
        '8.7',
        'a request is sent again by itself only where the server cannot have acted on it',
        ['only REFUSED_STREAM and HTTP_1_1_REQUIRED before a response say that nothing was done'],
      ],
      [
        '9.1',
        'requests for an origin go to a connection for that origin',
        'http: and https: to one host and port share no connection',
      ],
      ['9.2', 'TLS is 1.2 or later', 'TLS 1.2 is the least, unless the user or the process says otherwise'],
      ['9.2', 'SNI is sent', 'SNI carries the host of the URL'],
      [
        '9.2.2',
        'a prohibited cipher suite under TLS 1.2 is refused',
        [
          'a TLS 1.2 cipher suite that HTTP/2 prohibits is refused',
          'under TLS 1.2 only ephemeral AEAD suites are allowed',
        ],
      ],
      [
        '9.2.1',
        'TLS compression and renegotiation are off',
        'TLS renegotiation and compression are not there to be used',
      ],
      [
        '10.5',
        'use of features that cost the endpoint more than they carry is bounded',
        ['sent without end and with nothing in between, ends the connection'],
      ],
      [
        '10.5.1',
        'a header list over SETTINGS_MAX_HEADER_LIST_SIZE is refused, and its block processed for the compression state',
        'a header list over the limit fails its stream, and what follows in the table is still read',
      ],
    ] as const
  ).map(([section, must, test]): Rule => ({ rfc: 9113, section, must, test })),
];

export const messageRules: readonly Rule[] = [...streams, ...malformedRules, ...followingRules, ...messages];
