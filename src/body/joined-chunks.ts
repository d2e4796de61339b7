import type { TextDecoder as Utf8Decoder } from 'node:util';

/** The chunks in memory of exactly their size: the chunk itself where it is the only one and has such memory. */
export function join(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (chunks.length === 1 && first !== undefined && ownsItsMemory(first)) {
    return first.constructor === Uint8Array ? first : new Uint8Array(first.buffer);
  }
  let size = 0;
  for (const chunk of chunks) size += chunk.byteLength;
  // Slow means: not from the shared pool. Unsafe: every byte is written below.
  const joined = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.byteLength;
  }
  chunks.length = 0; // so that they are garbage while a string is made
  return joined;
}

let constants: typeof import('node:buffer').constants | undefined;

/** The most bytes that the engine decodes into one string, or keeps in one piece of memory. */
export function longest(): { readonly MAX_LENGTH: number; readonly MAX_STRING_LENGTH: number } {
  return (constants ??= process.getBuiltinModule('node:buffer').constants);
}

function ownsItsMemory(chunk: Uint8Array): chunk is Uint8Array<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer && chunk.buffer.byteLength === chunk.byteLength;
}

let utf8: Utf8Decoder | undefined;

/** As fetch decodes it: without a byte order mark, U+FFFD in place of what is malformed. */
export function decodeText(chunks: Uint8Array[]): string {
  const [first] = chunks;
  if (first === undefined) return '';
  utf8 ??= new TextDecoder();
  return utf8.decode(chunks.length === 1 ? first : join(chunks));
}
