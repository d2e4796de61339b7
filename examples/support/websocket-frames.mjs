// Short text messages as WebSocket frames (RFC 6455 section 5). A real program uses a WebSocket library for this.
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';

/** One text message of up to 125 bytes. A client masks what it sends. */
export function textFrame(text, { mask = false } = {}) {
  const payload = Buffer.from(text);
  if (payload.length > 125) throw new RangeError('this example writes short messages only');
  if (!mask) return Buffer.concat([Buffer.from([0x81, payload.length]), payload]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), key, payload.map((byte, i) => byte ^ key[i % 4])]);
}

/** The messages in a stream of frames, whatever pieces they arrive in. */
export async function* readMessages(stream) {
  let bytes = Buffer.alloc(0);
  for await (const chunk of stream) {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const masked = (bytes[1] & 0x80) !== 0;
      const start = masked ? 6 : 2;
      const end = start + (bytes[1] & 0x7f);
      if (bytes.length < 2 || bytes.length < end) break;
      const key = masked ? bytes.subarray(2, 6) : [0, 0, 0, 0];
      yield bytes
        .subarray(start, end)
        .map((byte, i) => byte ^ key[i % 4])
        .toString();
      bytes = bytes.subarray(end);
    }
  }
}
