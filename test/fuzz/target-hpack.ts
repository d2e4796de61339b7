import assert from 'node:assert/strict';
import { Decoder, Encoder, HpackError, type FieldSink } from '../../dist/hpack/index.js';
import { HpackDecoder } from '../support/hpack.js';
import { Input } from './input.js';

const stringLimit = 4_096;

class Fields implements FieldSink {
  readonly list: [string, string][] = [];
  oversized = false;
  size = 0;

  field(name: string, value: string): void {
    assert.ok(name.length <= stringLimit && value.length <= stringLimit, 'no string is longer than the limit');
    this.size += name.length + value.length + 32;
    if (this.list.length < 1_000) this.list.push([name, value]);
  }

  oversize(): void {
    this.oversized = true;
  }
}

/**
 * The HPACK decoder: any bytes are fields or an HpackError, the table stays within its size, a decoder that nobody here
 * shares code with says the same, and what was decoded survives our encoder. The input is a table size and then blocks,
 * each after its length.
 */
export function fuzzHpack(bytes: Uint8Array): void {
  const input = new Input(bytes);
  const tableSize = [4_096, 4_096, 4_096, 0, 64, 256][input.byte() % 6]!;
  const decoder = new Decoder({ maxTableSize: tableSize, maxStringLength: stringLimit });
  const model = new HpackDecoder();
  if (tableSize !== 4_096) model.setLimit(tableSize);
  const encoder = new Encoder();
  const back = new Decoder({ maxStringLength: stringLimit });
  // Ours begins with the smaller table; the model asks for the update that RFC 7541 section 4.2 wants.
  let compare = tableSize === 4_096;
  while (!input.ended) {
    const block = input.take(1 + input.byte());
    const sink = new Fields();
    let refused: HpackError | undefined;
    try {
      decoder.decodeInto(block, 0, block.length, sink);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      refused = error;
    }
    assert.ok(decoder.table.size <= Math.min(tableSize, 4_096) && decoder.table.length <= 128, 'the table is bounded');
    if (compare) compare = agrees(model, block, sink, refused);
    if (refused !== undefined) return;
    if (sink.oversized || sink.list.length >= 1_000) continue;
    assert.deepEqual(back.decode(encoder.encode(sink.list)), sink.list, 'what was decoded survives our encoder');
  }
}

/** Holds one block against the model; false: it reads no further. */
function agrees(model: HpackDecoder, block: Uint8Array, sink: Fields, refused: HpackError | undefined): boolean {
  let fields: readonly (readonly [string, string])[];
  try {
    fields = model.decode(block);
  } catch (error) {
    assert.ok(refused !== undefined, `the model refuses what we read: ${String(error)}`);
    return false;
  }
  // RFC 7541 section 5.1 lets a decoder refuse overlong integers, and section 7.4 strings that are too long.
  if (refused !== undefined) {
    assert.match(refused.message, /continuation bytes|maxStringLength/, 'we refuse what the model reads');
    return false;
  }
  if (!sink.oversized && fields.length < 1_000) assert.deepEqual(sink.list, fields, 'the model reads other fields');
  return true;
}
