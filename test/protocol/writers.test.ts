import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../../src/protocol/', import.meta.url);

/** The modules that write each plain field of a connection's state (docs/decisions/0017). */
const writers: Readonly<Record<string, readonly string[]>> = {
  nextStreamId: ['connection.ts'],
  requests: ['connection.ts'],
  reserved: ['connection.ts'],
  drainedStreams: ['connection.ts'],
  handed: ['connection.ts'],
  quick: ['connection.ts'],
  ourSettingsAcked: ['receive.ts'],
  answered: ['receive-headers.ts'],
  doNotReuse: ['lifecycle.ts'],
  drained: ['lifecycle.ts'],
  failure: ['lifecycle.ts'],
};

/** The modules in which it is found. */
function writersBy(write: RegExp): string[] {
  const sources = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  return sources.filter((file) => write.test(readFileSync(new URL(file, folder), 'utf8')));
}

test('each plain field of a connection\u2019s state is written by the module that owns it, and by no other', () => {
  for (const [field, owners] of Object.entries(writers)) {
    const write = new RegExp(`\\b(c|state)\\.${field}(\\+\\+|--| [-+]?= )`);
    assert.deepEqual(writersBy(write), owners, field);
  }
});

test('what is an object of its own in a connection\u2019s state is told what happened, and no other module writes its fields', () => {
  const others =
    /\b(c\.(?!listed\b)\w+|live|liveness|window|smallData|goAway|recovery)\.\w+(\+\+|--| ([-+*]|&&|\|\||\?\?)?= )/;
  assert.match('  live.settingsSentAt = c.now;', others);
  assert.match('    c.meter.bulkStreams++;', others);
  assert.doesNotMatch('  if (live.probeSentAt >= 0) return c.meter.filled === true;', others);
  assert.deepEqual(writersBy(others), []);
});

test('what is measured of a path is written by the module that measures, beside its own', () => {
  assert.deepEqual(writersBy(/\bmeter\.\w+(\+\+|--| [-+]?= )/), ['measure.ts']);
});
