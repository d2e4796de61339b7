import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Decoder, Encoder } from '../../dist/hpack/index.js';
import { bytes, contents } from './helpers.js';

interface Story {
  readonly story: string;
  readonly cases: readonly {
    readonly wire?: string;
    readonly header_table_size?: number;
    readonly headers: readonly Record<string, string>[];
  }[];
}

// The stories of github.com/http2jp/hpack-test-case, beside the repository because of their size.
const folder = new URL('../../../shared/data/hpack/', import.meta.url);
const skip = existsSync(folder) ? false : 'the published vectors are not in ../shared/data/hpack';

const files = {
  'nghttp2-16384-4096': 3267,
  'nghttp2-change-table-size': 3267,
  'python-hpack': 3384,
  'raw-data': 3384,
};

for (const [file, blocks] of Object.entries(files)) {
  const load = () =>
    JSON.parse(gunzipSync(readFileSync(new URL(`${file}.json.gz`, folder))).toString('utf8')) as readonly Story[];

  if (file !== 'raw-data') {
    test(`every block of ${file} decodes to its fields`, { skip }, () => {
      let count = 0;
      for (const { story, cases } of load()) {
        const decoder = new Decoder();
        for (const [i, step] of cases.entries()) {
          if (step.header_table_size !== undefined) decoder.setMaxTableSize(step.header_table_size);
          assert.deepEqual(decoder.decode(bytes(step.wire!)), fieldsOf(step.headers), `${story}, block ${i}`);
          count++;
        }
      }
      assert.equal(count, blocks);
    });
  }

  test(`every block of ${file} survives our encoder and decoder, and their tables agree`, { skip }, () => {
    let count = 0;
    for (const { story, cases } of load()) {
      const encoder = new Encoder({ maxTableSize: 16384 });
      const decoder = new Decoder();
      for (const [i, step] of cases.entries()) {
        if (step.header_table_size !== undefined) {
          encoder.setTableSize(step.header_table_size);
          decoder.setMaxTableSize(step.header_table_size);
        }
        const fields = fieldsOf(step.headers);
        assert.deepEqual(decoder.decode(encoder.encode(fields)), fields, `${story}, block ${i}`);
        assert.deepEqual(contents(decoder.table), contents(encoder.table), `${story}, block ${i}`);
        count++;
      }
    }
    assert.equal(count, blocks);
  });
}

function fieldsOf(headers: readonly Record<string, string>[]): [string, string][] {
  return headers.map((header) => Object.entries(header)[0]!);
}
