import type { Decoder, Encoder } from '../hpack/index.js';
import { noBytes } from '../wire/index.js';
import { isSensitive } from './request-fields.js';
import { BlockKind, type ResponseFields } from './response-fields.js';

/** Encodes a header list as one block; the view is valid until the next one. */
export function encodeBlock(encoder: Encoder, fields: readonly string[]): Uint8Array {
  encoder.begin();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    encoder.field(name, value, isSensitive(name, value));
  }
  return encoder.end();
}

/**
 * The block of a header list that several requests have in common, kept while the table that it refers to stands still:
 * a request that is like one before it costs no encoding (7 % of the time of small requests).
 */
export class SharedBlock {
  private version = 0;
  private block: Uint8Array = noBytes;

  /** As `encodeBlock`; `fields` are the same each time. */
  encode(encoder: Encoder, fields: readonly string[]): Uint8Array {
    const { version } = encoder.table;
    if (this.version === version) return this.block;
    const block = encodeBlock(encoder, fields);
    if (encoder.table.version === version) {
      this.version = version;
      this.block = block.slice();
    }
    return block;
  }
}

/** A response block as it came, and what it means. */
interface ReceivedBlock {
  /** Of the table that it was decoded with. */
  readonly version: number;
  /** What it adds to the table, if it means the same with any; else it stands for itself while the version does. */
  readonly added: readonly string[] | undefined;
  readonly bytes: Uint8Array;
  readonly status: number;
  readonly fields: readonly string[];
  readonly size: number;
  readonly contentLength: number;
}

/** A power of two. */
const remembered = 16;
/** In bytes. */
const longest = 512;

/**
 * Response blocks of up to 512 bytes that have come twice, each until another takes its place: one that comes again is
 * neither decoded nor checked again, if it means the same. It does while the decoder's table stands still, as with servers that
 * index what they repeat (9 % of the time of small requests). And it does with any table if it refers to no entry of it: nginx
 * sends all its fields as literals, each time, and has them added to the table, which is then done here as well.
 */
export class ReceivedBlocks {
  private readonly blocks = new Array<ReceivedBlock | undefined>(remembered).fill(undefined);
  /** Of the blocks that came last, so that one which comes once costs no copy. */
  private readonly hashes = new Int32Array(remembered);

  /** Decodes the complete response block `bytes[start, end)` into `into`. Throws HpackError when it is malformed. */
  decode(decoder: Decoder, bytes: Uint8Array, start: number, end: number, into: ResponseFields): void {
    if (end - start > longest) return decodeOnly(decoder, bytes, start, end, into);
    const hash = hashOf(bytes, start, end);
    const slot = (hash ^ (hash >>> 8)) & (remembered - 1);
    const known = this.blocks[slot];
    if (known !== undefined && isSame(known.bytes, bytes, start, end) && stillMeans(known, decoder)) {
      into.repeat(known.status, known.fields, known.size, known.contentLength);
    } else if (this.hashes[slot] === hash) {
      this.blocks[slot] = decodeAndKeep(decoder, bytes, start, end, into);
    } else {
      this.hashes[slot] = hash;
      decodeOnly(decoder, bytes, start, end, into);
    }
  }
}

function decodeOnly(decoder: Decoder, bytes: Uint8Array, start: number, end: number, into: ResponseFields): void {
  into.begin(BlockKind.Response);
  decoder.decodeInto(bytes, start, end, into);
}

/** Undefined: the same bytes may not mean the same again. */
function decodeAndKeep(
  decoder: Decoder,
  bytes: Uint8Array,
  start: number,
  end: number,
  into: ResponseFields,
): ReceivedBlock | undefined {
  const { version } = decoder.table;
  into.begin(BlockKind.Response);
  const added = decoder.decodeRecording(bytes, start, end, into);
  if (added === undefined && decoder.table.version !== version) return undefined;
  if (into.malformed !== undefined || into.tooLarge) return undefined;
  const { status, fields, size, contentLength } = into;
  return { version, added, bytes: bytes.slice(start, end), status, fields, size, contentLength };
}

/** The block means what it meant when it was kept; what it adds to the table is there. */
function stillMeans({ version, added }: ReceivedBlock, decoder: Decoder): boolean {
  return added === undefined ? decoder.table.version === version : decoder.repeat(added);
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  return hash;
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
