/**
 * The client cases of h2spec (github.com/summerwind/h2spec, folder `client`) as transcripts: what its server sends, which
 * frame its section asks of the client, and all that we send. Its verdict is lenient: a connection that just closes passes.
 * Here only the frame does.
 */
import type { Field } from '../support/hpack.js';
import { encodeFields } from '../support/hpack.js';
import { flag, type as frameType } from '../support/raw-server.js';
import {
  anyFrame,
  block,
  data,
  headers,
  ok,
  reset,
  settings,
  windowUpdate,
  type Arrival,
  type givens,
} from './transcript.js';

export interface H2specCase {
  /** Section and number, as `h2spec client` counts them. */
  readonly id: string;
  readonly title: string;
  readonly given: keyof typeof givens;
  readonly arrives: readonly Arrival[];
  /** What the section asks for, one of these. */
  readonly asks: readonly string[];
  /** All that we send in answer. */
  readonly sends: readonly string[];
  /** As in a transcript: `lives`, or the error code of its end. */
  readonly connection: string;
  /** Why we do something else than is asked for. */
  readonly reason?: string;
}

/** Whether we send what the section asks for. */
export function isStrict({ asks, sends }: H2specCase): boolean {
  return asks.some((asked) => sends.includes(asked));
}

type Group = readonly [section: string, ...cases: readonly (readonly [title: string, ...rest: Rest])[]];
type Rest = readonly [given: keyof typeof givens, arrives: readonly Arrival[], end: string | Partial<H2specCase>];

const marked: readonly Field[] = [['x-dummy', 'x']];
const end = { end: true };

function headersOpen(flags = 0): Arrival {
  return anyFrame(frameType.headers, flags, 1, encodeFields(ok));
}

function continuation(streamId: number, last = true): Arrival {
  return anyFrame(frameType.continuation, last ? flag.endHeaders : 0, streamId, encodeFields(marked));
}

function ping(text: string, flags = 0, streamId = 0): Arrival {
  return anyFrame(frameType.ping, flags, streamId, Buffer.from(text));
}

function priority(streamId: number, length = 5): Arrival {
  return anyFrame(frameType.priority, 0, streamId, length);
}

function setting(id: number, value: number): Arrival {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(id, 0);
  payload.writeUInt32BE(value, 2);
  return anyFrame(frameType.settings, 0, 0, payload);
}

/** A PING behind what came shows that the connection goes on. */
const pinged = ping('h2spec-1');
const pong: Partial<H2specCase> = { asks: ['PING ACK h2spec-1'], connection: 'lives' };

function stream(code: string): Partial<H2specCase> {
  return { asks: [`RST_STREAM 1 ${code}`], connection: 'lives' };
}

const keeps =
  'RFC 9113 section 5.1 leaves it to the endpoint ("MAY treat as a connection error"); other requests are on the connection, ' +
  'so only the stream is told';

const kept: Partial<H2specCase> = {
  asks: ['GOAWAY STREAM_CLOSED'],
  sends: ['RST_STREAM 1 STREAM_CLOSED'],
  connection: 'lives',
  reason: keeps,
};

const groups: readonly Group[] = [
  [
    '1',
    [
      'Sends a server connection preface',
      'preface',
      [settings({})],
      { asks: ['SETTINGS ACK'], sends: ['SETTINGS ACK'], connection: 'lives' },
    ],
  ],
  [
    '4.1',
    ['Sends a frame with unknown type', 'greeted', [anyFrame(0x16, 0, 0, 8), pinged], pong],
    ['Sends a frame with undefined flag', 'greeted', [ping('h2spec-1', 0x16)], pong],
    ['Sends a frame with reserved field bit', 'greeted', [ping('h2spec-1', 0x16, 0x8000_0000)], pong],
  ],
  [
    '4.2',
    ['Sends a DATA frame with 2^14 octets in length', 'response', [data('x'.repeat(16_384), end), pinged], pong],
    [
      'Sends a large size DATA frame that exceeds the SETTINGS_MAX_FRAME_SIZE',
      'response',
      [data('x'.repeat(16_385), end)],
      'FRAME_SIZE_ERROR',
    ],
    [
      'Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE',
      'request',
      [headers([...ok, ['x-dummy', 'x'.repeat(20_000)]], end)],
      'FRAME_SIZE_ERROR',
    ],
  ],
  ['4.3', ['Sends invalid header block fragment', 'request', [block(Buffer.of(0x40))], 'COMPRESSION_ERROR']],
  [
    '5.1',
    ['idle: Sends a DATA frame', 'greeted', [data('test', { end: true, id: 2 })], 'PROTOCOL_ERROR'],
    ['idle: Sends a RST_STREAM frame', 'greeted', [reset(8, 2)], 'PROTOCOL_ERROR'],
    ['idle: Sends a WINDOW_UPDATE frame', 'greeted', [windowUpdate(2, 100)], 'PROTOCOL_ERROR'],
    ['idle: Sends a CONTINUATION frame', 'greeted', [continuation(2)], 'PROTOCOL_ERROR'],
    [
      'closed: Sends a DATA frame after sending RST_STREAM frame',
      'response',
      [reset(8), data('test', end)],
      stream('STREAM_CLOSED'),
    ],
    [
      'closed: Sends a HEADERS frame after sending RST_STREAM frame',
      'response',
      [reset(8), headers(ok, end)],
      stream('STREAM_CLOSED'),
    ],
    [
      'closed: Sends a CONTINUATION frame after sending RST_STREAM frame',
      'response',
      [reset(8), continuation(1)],
      { asks: ['RST_STREAM 1 STREAM_CLOSED', 'GOAWAY PROTOCOL_ERROR'], sends: ['GOAWAY PROTOCOL_ERROR'] },
    ],
    ['closed: Sends a DATA frame', 'over', [data('test', end)], kept],
    ['closed: Sends a HEADERS frame', 'over', [headers(ok, end)], kept],
    [
      'closed: Sends a CONTINUATION frame',
      'over',
      [continuation(1)],
      { asks: ['GOAWAY STREAM_CLOSED', 'GOAWAY PROTOCOL_ERROR'], sends: ['GOAWAY PROTOCOL_ERROR'] },
    ],
  ],
  [
    '5.1.1',
    ['Sends an unexpected stream identifier', 'greeted', [headers(ok, { end: true, id: 101 })], 'PROTOCOL_ERROR'],
  ],
  [
    '5.4.1',
    ['Sends an invalid PING frame for connection close', 'greeted', [ping('h2spec-1', 0, 3)], 'PROTOCOL_ERROR'],
    ['Sends an invalid PING frame to receive GOAWAY frame', 'greeted', [ping('h2spec-1', 0, 3)], 'PROTOCOL_ERROR'],
  ],
  ['5.5', ['Sends an unknown extension frame', 'greeted', [anyFrame(0x16, 0, 0, 8), pinged], pong]],
  [
    '6.1',
    [
      'Sends a DATA frame with 0x0 stream identifier',
      'greeted',
      [data('test', { end: true, id: 0 })],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" state',
      'over',
      [data('test', end)],
      stream('STREAM_CLOSED'),
    ],
    [
      'Sends a DATA frame with invalid pad length',
      'response',
      [anyFrame(frameType.data, flag.padded | flag.endStream, 1, Buffer.from('\x06Test'))],
      'PROTOCOL_ERROR',
    ],
  ],
  [
    '6.2',
    [
      'Sends a HEADERS frame without the END_HEADERS flag, and a PRIORITY frame',
      'request',
      [headersOpen(), priority(1), continuation(1)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a HEADERS frame with 0x0 stream identifier',
      'greeted',
      [headers(ok, { end: true, id: 0 })],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a HEADERS frame with invalid pad length',
      'request',
      [
        anyFrame(
          frameType.headers,
          flag.padded | flag.endHeaders,
          1,
          Buffer.concat([Buffer.of(0x11), encodeFields(ok)]),
        ),
      ],
      'PROTOCOL_ERROR',
    ],
  ],
  [
    '6.3',
    ['Sends a PRIORITY frame with 0x0 stream identifier', 'greeted', [priority(0)], 'PROTOCOL_ERROR'],
    [
      'Sends a PRIORITY frame with a length other than 5 octets',
      'over',
      [priority(1, 4)],
      {
        asks: ['RST_STREAM 1 FRAME_SIZE_ERROR', 'GOAWAY FRAME_SIZE_ERROR'],
        sends: ['GOAWAY FRAME_SIZE_ERROR'],
        connection: 'FRAME_SIZE_ERROR',
      },
    ],
  ],
  [
    '6.4',
    ['Sends a RST_STREAM frame with 0x0 stream identifier', 'greeted', [reset(8, 0)], 'PROTOCOL_ERROR'],
    ['Sends a RST_STREAM frame on a idle stream', 'greeted', [reset(8, 2)], 'PROTOCOL_ERROR'],
    [
      'Sends a RST_STREAM frame with a length other than 4 octets',
      'over',
      [anyFrame(frameType.rstStream, 0, 1, 3)],
      'FRAME_SIZE_ERROR',
    ],
  ],
  [
    '6.5',
    [
      'Sends a SETTINGS frame with ACK flag and payload',
      'preface',
      [anyFrame(frameType.settings, flag.ack, 0, 1)],
      'FRAME_SIZE_ERROR',
    ],
    [
      'Sends a SETTINGS frame with a stream identifier other than 0x0',
      'preface',
      [anyFrame(frameType.settings, 0, 1, Buffer.of(0, 3, 0, 0, 0, 100))],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a SETTINGS frame with a length other than a multiple of 6 octets',
      'preface',
      [anyFrame(frameType.settings, 0, 0, Buffer.of(0, 3, 0))],
      'FRAME_SIZE_ERROR',
    ],
  ],
  [
    '6.5.2',
    [
      'SETTINGS_INITIAL_WINDOW_SIZE (0x4): Sends the value above the maximum flow control window size',
      'preface',
      [settings({ initialWindowSize: 0x8000_0000 })],
      'FLOW_CONTROL_ERROR',
    ],
    [
      'SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value below the initial value',
      'preface',
      [settings({ maxFrameSize: 16_383 })],
      'PROTOCOL_ERROR',
    ],
    [
      'SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value above the maximum allowed frame size',
      'preface',
      [settings({ maxFrameSize: 16_777_216 })],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a SETTINGS frame with unknown identifier',
      'preface',
      [setting(0xff, 1), pinged],
      { asks: ['PING ACK h2spec-1'], sends: ['SETTINGS ACK', 'PING ACK h2spec-1'], connection: 'lives' },
    ],
  ],
  [
    '6.5.3',
    [
      'Sends a SETTINGS frame without ACK flag',
      'preface',
      [settings({ maxConcurrentStreams: 100 })],
      { asks: ['SETTINGS ACK'], connection: 'lives' },
    ],
  ],
  [
    '6.7',
    ['Sends a PING frame', 'greeted', [pinged], pong],
    ['Sends a PING frame with ACK', 'greeted', [ping('invalid!', flag.ack), pinged], pong],
    [
      'Sends a PING frame with a stream identifier field value other than 0x0',
      'greeted',
      [ping('h2spec-1', 0, 1)],
      'PROTOCOL_ERROR',
    ],
    ['Sends a PING frame with a length field value other than 8', 'greeted', [ping('h2spec')], 'FRAME_SIZE_ERROR'],
  ],
  [
    '6.8',
    [
      'Sends a GOAWAY frame with a stream identifier other than 0x0',
      'greeted',
      [anyFrame(frameType.goaway, 0, 1, 8)],
      'PROTOCOL_ERROR',
    ],
  ],
  [
    '6.9',
    [
      'Sends a WINDOW_UPDATE frame with a flow control window increment of 0',
      'greeted',
      [windowUpdate(0, 0)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream',
      'response',
      [windowUpdate(1, 0)],
      stream('PROTOCOL_ERROR'),
    ],
    [
      'Sends a WINDOW_UPDATE frame with a length other than 4 octets',
      'greeted',
      [anyFrame(frameType.windowUpdate, 0, 0, 3)],
      'FRAME_SIZE_ERROR',
    ],
  ],
  [
    '6.9.1',
    [
      'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1',
      'greeted',
      [windowUpdate(0, 0x7fff_ffff), windowUpdate(0, 0x7fff_ffff)],
      'FLOW_CONTROL_ERROR',
    ],
    [
      'Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
      'response',
      [windowUpdate(1, 0x7fff_ffff), windowUpdate(1, 0x7fff_ffff)],
      stream('FLOW_CONTROL_ERROR'),
    ],
  ],
  [
    '6.10',
    [
      'Sends multiple CONTINUATION frames preceded by a HEADERS frame',
      'request',
      [headersOpen(flag.endStream), continuation(1, false), continuation(1), pinged],
      pong,
    ],
    [
      'Sends a CONTINUATION frame followed by any frame other than CONTINUATION',
      'request',
      [headersOpen(), continuation(1, false), data('test', end)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a CONTINUATION frame with 0x0 stream identifier',
      'request',
      [headersOpen(flag.endStream), continuation(0)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a CONTINUATION frame preceded by a HEADERS frame with END_HEADERS flag',
      'over',
      [continuation(1)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a CONTINUATION frame preceded by a CONTINUATION frame with END_HEADERS flag',
      'request',
      [headersOpen(flag.endStream), continuation(1), continuation(1)],
      'PROTOCOL_ERROR',
    ],
    [
      'Sends a CONTINUATION frame preceded by a DATA frame',
      'request',
      [headersOpen(), data('test', end), continuation(1, false), continuation(0)],
      'PROTOCOL_ERROR',
    ],
  ],
];

export const h2specCases: readonly H2specCase[] = groups.flatMap(([section, ...cases]) =>
  cases.map(([title, given, arrives, how], index): H2specCase => {
    const { asks, ...rest } =
      typeof how === 'string' ? { asks: [`GOAWAY ${how}`], connection: how } : { asks: how.asks ?? [], ...how };
    const id = `${section}/${index + 1}`;
    return { id, title, given, arrives, asks, sends: asks.slice(0, 1), connection: 'PROTOCOL_ERROR', ...rest };
  }),
);
