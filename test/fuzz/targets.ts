import { fuzzCore } from './target-core.js';
import { fuzzHpack } from './target-hpack.js';
import { fuzzReader } from './target-reader.js';

/** What is fuzzed, by name: a function of bytes that throws when something does not hold. */
export const targets: Readonly<Record<string, (bytes: Uint8Array) => void>> = {
  reader: fuzzReader,
  hpack: fuzzHpack,
  core: fuzzCore,
};

/** An execution that takes longer, in milliseconds, is a hang. */
export const hangTime = 1_000;
