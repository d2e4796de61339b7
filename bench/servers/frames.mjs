// HTTP/2 frames by hand (RFC 9113 section 4.1), for the servers that are written without a library.
const { Buffer } = globalThis;

export const type = { data: 0, headers: 1, settings: 4, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 };
export const endStream = 0x1;
export const endHeaders = 0x4;
export const ack = 0x1;

export function frame(kind, flags, stream, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = kind;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}
