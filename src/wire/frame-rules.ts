import { ErrorCode, Flag, FrameType } from './constants.js';
import { ProtocolViolation } from './violation.js';

/**
 * What the nine bytes of a frame header must satisfy by themselves, per type: RFC 9113 section 6, RFC 9218
 * section 7.1. Every breach is an error of the connection: RFC 9113 section 4.2 asks for that
 * where the frame could change the connection's state, section 5.4.1 allows it elsewhere, and a peer that cannot
 * lay out a frame is not to be trusted with the next. Types that are not named here have no rules of their own.
 */
export function checkFrameHeader(type: number, flags: number, streamId: number, length: number): void {
  switch (type) {
    case FrameType.Data:
      needStream('DATA', streamId); // section 6.1
      if ((flags & Flag.Padded) !== 0) needAtLeast('DATA', length, 1);
      return;
    case FrameType.Headers:
      needStream('HEADERS', streamId); // section 6.2
      needAtLeast('HEADERS', length, ((flags & Flag.Padded) !== 0 ? 1 : 0) + ((flags & Flag.Priority) !== 0 ? 5 : 0));
      return;
    case FrameType.Priority:
      needStream('PRIORITY', streamId); // section 6.3
      needExactly('PRIORITY', length, 5);
      return;
    case FrameType.RstStream:
      needExactly('RST_STREAM', length, 4); // section 6.4
      needStream('RST_STREAM', streamId);
      return;
    case FrameType.Settings:
      if ((flags & Flag.Ack) !== 0) needExactly('SETTINGS ACK', length, 0); // section 6.5
      needConnection('SETTINGS', streamId);
      if (length % 6 !== 0) throw frameSize(`SETTINGS frame of ${length} bytes, which is no multiple of 6`);
      return;
    case FrameType.PushPromise:
      needStream('PUSH_PROMISE', streamId); // section 6.6
      needAtLeast('PUSH_PROMISE', length, (flags & Flag.Padded) !== 0 ? 5 : 4);
      return;
    case FrameType.Ping:
      needExactly('PING', length, 8); // section 6.7
      needConnection('PING', streamId);
      return;
    case FrameType.GoAway:
      needConnection('GOAWAY', streamId); // section 6.8
      needAtLeast('GOAWAY', length, 8);
      return;
    case FrameType.WindowUpdate:
      needExactly('WINDOW_UPDATE', length, 4); // section 6.9
      return;
    case FrameType.PriorityUpdate:
      needConnection('PRIORITY_UPDATE', streamId); // RFC 9218 section 7.1
      needAtLeast('PRIORITY_UPDATE', length, 4);
      return;
  }
}

function needStream(name: string, streamId: number): void {
  if (streamId === 0) throw new ProtocolViolation(ErrorCode.ProtocolError, `${name} frame on stream 0`);
}

function needConnection(name: string, streamId: number): void {
  if (streamId === 0) return;
  throw new ProtocolViolation(ErrorCode.ProtocolError, `${name} frame on stream ${streamId}, where only 0 is allowed`);
}

function needExactly(name: string, length: number, needed: number): void {
  if (length !== needed) throw frameSize(`${name} frame of ${length} bytes, where ${needed} are required`);
}

function needAtLeast(name: string, length: number, needed: number): void {
  if (length < needed)
    throw frameSize(`${name} frame of ${length} bytes, too short for the ${needed} that its fields take`);
}

function frameSize(message: string): ProtocolViolation {
  return new ProtocolViolation(ErrorCode.FrameSizeError, message);
}
