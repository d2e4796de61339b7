import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { encodeFields, HpackDecoder, type Field } from './hpack.js';

interface Story {
  readonly cases: readonly {
    readonly header_table_size?: number;
    readonly wire: string;
    readonly headers: readonly Record<string, string>[];
  }[];
}

const vectors = new URL('../../../shared/data/hpack/', import.meta.url);
const missing = existsSync(vectors) ? false : 'the HPACK vectors are not beside this checkout';

for (const name of ['nghttp2-16384-4096', 'nghttp2-change-table-size', 'python-hpack']) {
  test(`the raw server decodes every block of the vectors ${name}`, { skip: missing }, () => {
    const stories = JSON.parse(
      gunzipSync(readFileSync(new URL(`${name}.json.gz`, vectors))).toString(),
    ) as readonly Story[];
    let blocks = 0;
    for (const story of stories) {
      const decoder = new HpackDecoder();
      for (const { header_table_size: size, wire, headers } of story.cases) {
        if (size !== undefined) decoder.setLimit(size);
        const expected = headers.flatMap((field) =>
          Object.entries(field).map(([key, value]): Field => [key, Buffer.from(value).toString('latin1')]),
        );
        assert.deepEqual(decoder.decode(Buffer.from(wire, 'hex')), expected);
        blocks++;
      }
    }
    assert.ok(blocks > 100, 'the file holds blocks');
  });
}

test('what the raw server encodes, it decodes, whatever the lengths', () => {
  const fields: Field[] = [126, 127, 128, 254, 255, 20_000].map((length) => [`x-${length}`, 'v'.repeat(length)]);
  assert.deepEqual(new HpackDecoder().decode(encodeFields(fields)), fields);
});

test('a table that has to shrink and is not said to shrink is an error', () => {
  const decoder = new HpackDecoder();
  decoder.setLimit(0);
  decoder.setLimit(4096);
  assert.throws(() => decoder.decode(Buffer.of(0x82)), /a table size update to 0 is owed/);
  assert.deepEqual(decoder.decode(Buffer.of(0x20, 0x3f, 0xe1, 0x1f, 0x82)), [[':method', 'GET']]);
});
