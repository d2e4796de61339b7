// Who reports on a run of the tests, as arguments of `node --test`.
import { join } from 'node:path';

// No more than two: from the third on, Node warns of its own listeners at the stream of tests.
export const reporters = ['spec', join(import.meta.dirname, 'afterwards.mjs')].flatMap((reporter) => [
  `--test-reporter=${reporter}`,
  '--test-reporter-destination=stdout',
]);
