import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { notYet, problems } from './not-yet.js';

test('every problem that users have has a test that bears its number, or a reason why it has none yet', () => {
  const folder = new URL('.', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.test.js'));
  const text = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
  const tested = new Set([...text.matchAll(/\btest\([`'"]user problem (\d+): /g)].map(([, number]) => Number(number)));
  const all = Array.from({ length: problems }, (_, i) => i + 1);
  assert.deepEqual(
    all.filter((number) => !tested.has(number) && notYet[number] === undefined),
    [],
  );
  for (const number of tested) assert.ok(number >= 1 && number <= problems, `there is no problem ${number}`);
});
