import { errorCodeName } from '../errors.js';
import { Flag, FrameType, settingName, uint16, uint32, type FrameReader } from '../wire/index.js';

/** One frame as an observer sees it; built only when somebody observes. */
export interface FrameRecord {
  readonly sent: boolean;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Payload bytes. */
  readonly length: number;
  /** The decoded fields of a header block, flat, on the frame that completes it. */
  readonly fields?: readonly string[] | undefined;
  /** What the payload says, for frames without fields. */
  readonly detail?: string | undefined;
}

export type FrameTrace = (frame: FrameRecord) => void;

/** `NAME=value, NAME=value`. */
export function describeSettings(entries: readonly (readonly [number, number])[]): string {
  return entries.map(([id, value]) => `${settingName(id)}=${value}`).join(', ');
}

/** What a received frame other than HEADERS says; undefined when its type and length say it all. */
export function describePayload(reader: FrameReader): string | undefined {
  switch (reader.type) {
    case FrameType.RstStream:
      return `error=${errorCodeName(reader.value)}`;
    case FrameType.GoAway:
      return `error=${errorCodeName(reader.value)} last=${reader.lastStreamId}`;
    case FrameType.WindowUpdate:
      return `increment=${reader.value}`;
    case FrameType.Settings: {
      if ((reader.flags & Flag.Ack) !== 0) return undefined;
      const entries: (readonly [number, number])[] = [];
      for (let at = reader.start; at < reader.end; at += 6)
        entries.push([uint16(reader.bytes, at), uint32(reader.bytes, at + 2)]);
      return describeSettings(entries);
    }
    default:
      return undefined;
  }
}
