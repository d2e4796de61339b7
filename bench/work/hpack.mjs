// The published header-compression vectors, decoded or encoded over and over: blocks a second.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { gunzipSync } from 'node:zlib';
import { startMeter } from './measure.mjs';

export async function run(job) {
  const stories = JSON.parse(gunzipSync(readFileSync(job.vectors)).toString('utf8'));
  const { codec } = await import(`../clients/${job.client}.mjs`);
  const { pass, count } = job.operation === 'decode' ? decoding(stories, codec) : encoding(stories, codec);
  repeat(pass, job.warmUp);
  const meter = startMeter();
  const passes = repeat(pass, job.duration);
  return meter.stop(passes * count);
}

function repeat(pass, duration) {
  const end = performance.now() + duration;
  let passes = 0;
  do {
    pass();
    passes++;
  } while (performance.now() < end);
  return passes;
}

function decoding(stories, codec) {
  const blocks = stories.map(({ cases }) => cases.map(({ wire }) => globalThis.Buffer.from(wire, 'hex')));
  const count = blocks.reduce((sum, story) => sum + story.length, 0);
  const expected = stories.reduce((sum, { cases }) => sum + cases.reduce((n, { headers }) => n + headers.length, 0), 0);
  const pass = () => {
    let fields = 0;
    for (const story of blocks) {
      const decode = codec.decoder();
      for (const block of story) fields += decode(block);
    }
    if (fields !== expected) throw new Error(`${fields} fields of ${expected} were decoded`);
  };
  return { pass, count };
}

function encoding(stories, codec) {
  const lists = stories.map(({ cases }) =>
    cases.map(({ headers }) => codec.fields(headers.flatMap((header) => Object.entries(header)))),
  );
  const count = lists.reduce((sum, story) => sum + story.length, 0);
  const pass = () => {
    let bytes = 0;
    for (const story of lists) {
      const encode = codec.encoder();
      for (const fields of story) bytes += encode(fields);
    }
    if (bytes === 0) throw new Error('nothing was encoded');
  };
  return { pass, count };
}
