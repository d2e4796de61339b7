// hpack.js.
import hpack from 'hpack.js';

export const codec = {
  fields: (pairs) => pairs.map(([name, value]) => ({ name, value })),
  decoder() {
    const decompressor = hpack.decompressor.create({ table: { maxSize: 16_384 } });
    return (block) => {
      decompressor.write(block);
      decompressor.execute();
      let fields = 0;
      while (decompressor.read() !== null) fields++;
      return fields;
    };
  },
  encoder() {
    const compressor = hpack.compressor.create({ table: { maxSize: 4_096 } });
    return (fields) => {
      compressor.write(fields);
      return compressor.read().length;
    };
  },
};
