// passinglane/hpack.
import { Decoder, Encoder } from 'passinglane/hpack';

export const codec = {
  /** The form in which it takes fields. */
  fields: (pairs) => pairs,
  decoder() {
    const decoder = new Decoder();
    decoder.setMaxTableSize(16_384);
    return (block) => decoder.decode(block).length;
  },
  encoder() {
    const encoder = new Encoder();
    return (fields) => encoder.encode(fields).length;
  },
};
