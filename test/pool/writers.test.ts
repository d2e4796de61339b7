import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../../src/pool/', import.meta.url);

/** What a module writes of the addresses and of one of them without being told to by a method of theirs (docs/decisions/0017). */
const others = /\b(endpoints?|load)\.(\w+)(?:\+\+|--| (?:[-+*]|&&|\|\||\?\?)?= )/;

test('what is known of addresses is written by the class that keeps it, but for two fields with one writer each', () => {
  assert.match('    this.endpoints.changedReach = true;', others);
  assert.match('  for (const endpoint of this.all) endpoint.current = false;', others);
  assert.doesNotMatch('  if (this.endpoints.owner === undefined) return;', others);
  const written: string[] = [];
  for (const file of readdirSync(folder))
    for (const line of file.endsWith('.ts') ? readFileSync(new URL(file, folder), 'utf8').split('\n') : []) {
      const field = others.exec(line)?.[2];
      if (field !== undefined) written.push(`${file}: ${field}`);
    }
  assert.deepEqual(written.toSorted(), ['balancer.ts: judgedAt', 'origin-pool.ts: owner']);
});
