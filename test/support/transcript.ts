import { encodeFields, type Field } from './hpack.js';
import { frame, settingsPayload, uint32, type PeerValues } from './harness.js';
import { flag, type as frameType } from './raw-server.js';

/** What a peer does next, without regard to whether it may: a transcript makes it fit. */
export type Act =
  | { readonly do: 'informational'; readonly stream: number; readonly parts: number }
  | {
      readonly do: 'headers';
      readonly stream: number;
      readonly parts: number;
      readonly end: boolean;
      readonly padding: number;
    }
  | {
      readonly do: 'data';
      readonly stream: number;
      readonly size: number;
      readonly padding: number;
      readonly end: boolean;
    }
  | { readonly do: 'trailers'; readonly stream: number; readonly parts: number }
  | { readonly do: 'reset'; readonly stream: number; readonly code: number }
  | { readonly do: 'update'; readonly stream: number; readonly increment: number }
  | { readonly do: 'settings'; readonly values: PeerValues }
  | { readonly do: 'ping'; readonly ack: boolean }
  | { readonly do: 'goaway'; readonly last: number; readonly code: number }
  | { readonly do: 'ignored'; readonly type: number; readonly size: number }
  | { readonly do: 'breach'; readonly which: number };

/** How far the peer has come on a stream. */
type Stage = 'asked' | 'answered' | 'over';

const breaches: readonly ((stream: number) => Buffer)[] = [
  (stream) => frame(frameType.pushPromise, flag.endHeaders, stream, uint32(2)),
  (stream) => frame(frameType.headers, flag.endHeaders, stream, Buffer.of(0x80)),
  (stream) => frame(frameType.continuation, flag.endHeaders, stream),
  () => frame(frameType.ping, 0, 0, Buffer.alloc(7)),
  () => frame(frameType.windowUpdate, 0, 0, uint32(0)),
  (stream) => frame(frameType.windowUpdate, 0, stream, uint32(0)),
  (stream) => frame(frameType.windowUpdate, 0, stream, uint32(0x7fff_ffff)),
  () => frame(frameType.data, 0, 101, Buffer.alloc(3)),
  (stream) => frame(frameType.data, flag.padded, stream, Buffer.of(9, 1, 2)),
  (stream) => frame(frameType.data, 0, stream, Buffer.alloc(16_385)),
  (stream) => frame(frameType.data, flag.endStream, stream, Buffer.from('at any time')),
  (stream) => frame(frameType.headers, flag.endHeaders, stream, encodeFields([[':status', '20']])),
  (stream) =>
    frame(
      frameType.headers,
      flag.endHeaders,
      stream,
      encodeFields([
        [':status', '200'],
        ['X', 'y'],
      ]),
    ),
  (stream) => frame(frameType.headers, flag.endHeaders | flag.endStream, stream, encodeFields([[':status', '103']])),
  (stream) =>
    Buffer.concat([frame(frameType.headers, 0, stream, Buffer.of(0x88)), frame(frameType.ping, 0, 0, Buffer.alloc(8))]),
  () => frame(frameType.settings, flag.ack, 0),
  () => frame(frameType.settings, 0, 0, settingsPayload({ initialWindowSize: 0x8000_0000 })),
  () => frame(frameType.goaway, 0, 3, uint32(0, 0)),
  () => frame(frameType.rstStream, 0, 101, uint32(8)),
  (stream) => frame(frameType.headers, flag.endHeaders | flag.endStream, stream, encodeFields([['x', 'trailers?']])),
];

/**
 * The bytes of a peer that has got requests on these streams, from its SETTINGS on. Legal, as far as `acts` have no
 * breach in them: what does not fit where a stream stands is left out, or done as what fits there.
 */
export function transcript(streams: readonly number[], acts: readonly Act[]): Buffer {
  const parts: Buffer[] = [frame(frameType.settings, 0, 0), frame(frameType.settings, flag.ack, 0)];
  const stages = new Map<number, Stage>(streams.map((id) => [id, 'asked']));
  const inTable: string[] = [];
  let lastSeen = 0x7fff_ffff;

  const block = (id: number, count: number, end: boolean, padding: number, fields: readonly Field[]): void => {
    const bytes = Buffer.concat([encodeFields(fields), indexed(inTable)]);
    const size = Math.ceil(bytes.length / count);
    for (let at = 0; at < bytes.length; at += size) {
      const first = at === 0;
      const flags = (at + size >= bytes.length ? flag.endHeaders : 0) | (first && end ? flag.endStream : 0);
      const piece = bytes.subarray(at, at + size);
      if (first && padding > 0)
        parts.push(
          frame(
            frameType.headers,
            flags | flag.padded,
            id,
            Buffer.concat([Buffer.of(padding), piece, Buffer.alloc(padding)]),
          ),
        );
      else parts.push(frame(first ? frameType.headers : frameType.continuation, flags, id, piece));
    }
  };

  for (const act of acts) {
    const id = 'stream' in act ? streams[act.stream % streams.length]! : streams[0]!;
    const stage = stages.get(id)!;
    switch (act.do) {
      case 'informational':
        if (stage === 'asked')
          block(id, act.parts, false, 0, [
            [':status', '103'],
            ['link', '</style.css>'],
          ]);
        break;
      case 'headers':
        if (stage !== 'asked') break;
        block(id, act.parts, act.end, act.padding, [
          [':status', '200'],
          ['server', 'model'],
        ]);
        stages.set(id, act.end ? 'over' : 'answered');
        break;
      case 'data': {
        if (stage !== 'answered') break;
        const body = Buffer.alloc(act.size, 0x61 + (parts.length % 26));
        const payload =
          act.padding === 0 ? body : Buffer.concat([Buffer.of(act.padding), body, Buffer.alloc(act.padding)]);
        const flags = (act.end ? flag.endStream : 0) | (act.padding === 0 ? 0 : flag.padded);
        parts.push(frame(frameType.data, flags, id, payload));
        if (act.end) stages.set(id, 'over');
        break;
      }
      case 'trailers':
        if (stage !== 'answered') break;
        block(id, act.parts, true, 0, [['x-sum', '1']]);
        stages.set(id, 'over');
        break;
      case 'reset':
        if (stage === 'over') break;
        parts.push(frame(frameType.rstStream, 0, id, uint32(act.code)));
        stages.set(id, 'over');
        break;
      case 'update':
        parts.push(frame(frameType.windowUpdate, 0, act.stream % 2 === 0 ? 0 : id, uint32(act.increment)));
        break;
      case 'settings':
        parts.push(frame(frameType.settings, 0, 0, settingsPayload(act.values)));
        break;
      case 'ping':
        parts.push(frame(frameType.ping, act.ack ? flag.ack : 0, 0, Buffer.from('pingpong')));
        break;
      case 'goaway':
        lastSeen = Math.min(lastSeen, act.last);
        parts.push(frame(frameType.goaway, 0, 0, Buffer.concat([uint32(lastSeen, act.code), Buffer.from('debug')])));
        break;
      case 'ignored':
        parts.push(frame(act.type, 0xfb, act.size, Buffer.alloc(act.size)));
        break;
      case 'breach':
        parts.push(breaches[act.which % breaches.length]!(id));
        break;
    }
  }
  return Buffer.concat(parts);
}

/** A field that goes into the dynamic table, and then one that refers to it: a block skipped would be noticed. */
function indexed(inTable: string[]): Buffer {
  const value = `v${inTable.length % 60}`;
  const known = inTable.lastIndexOf(value);
  if (known >= 0 && inTable.length - known < 80) return Buffer.of(0x80 | (61 + inTable.length - known));
  inTable.push(value);
  return Buffer.concat([Buffer.of(0x40, 1), Buffer.from('x'), Buffer.of(value.length), Buffer.from(value)]);
}
