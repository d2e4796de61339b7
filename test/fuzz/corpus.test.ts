import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from './corpus.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';
import { targets } from './targets.js';

for (const [name, run] of Object.entries(targets)) {
  test(`the ${name} target holds for every input of its corpus, former findings among them`, () => {
    const corpus = readCorpus(name);
    assert.ok(corpus.length > 0);
    for (const bytes of corpus) run(bytes);
  });

  test(`the ${name} target holds for 2,000 changed inputs of its corpus, the same each time`, () => {
    const corpus = readCorpus(name);
    const random = new Random(20_251);
    for (let i = 0; i < 2_000; i++) run(mutate(random.pick(corpus), random.pick(corpus), random));
  });
}

test('chance repeats itself, and a changed input is bounded', () => {
  const [one, two] = [new Random(9), new Random(9)];
  for (let i = 0; i < 500; i++) {
    const changed = mutate(new Uint8Array(2_048), new Uint8Array(2_048), one);
    assert.deepEqual(changed, mutate(new Uint8Array(2_048), new Uint8Array(2_048), two));
    assert.ok(changed.length <= 2_048);
  }
});
