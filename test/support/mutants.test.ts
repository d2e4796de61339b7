import assert from 'node:assert/strict';
import { test } from 'node:test';

interface Mutant {
  readonly line: number;
  readonly is: string;
  readonly text: string;
}

test('a module has a mutant for each operator, condition, boolean and call that a fault can change', async () => {
  const path = '../../tools/mutants/mutate.mjs';
  const { mutantsOf } = (await import(path)) as { mutantsOf(text: string): Mutant[] };
  const module = "if (a === b) {\n  stop(true);\n}\nname = 'x' + y;\n";
  assert.deepEqual(
    mutantsOf(module).map(({ line, is, text }) => [line, is, text.split('\n')[line - 1]]),
    [
      [1, 'false', 'if (false) {'],
      [1, '!==', 'if (a !== b) {'],
      [2, ';', '  ;'],
      [2, 'false', '  stop(false);'],
    ],
  );
});
