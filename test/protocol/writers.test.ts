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

test('each plain field of a connection\u2019s state is written by the module that owns it, and by no other', () => {
  const sources = readdirSync(folder).filter((file) => file.endsWith('.ts'));
  for (const [field, owners] of Object.entries(writers)) {
    const write = new RegExp(`\\b(c|state)\\.${field}(\\+\\+|--| [-+]?= )`);
    const found = sources.filter((file) => write.test(readFileSync(new URL(file, folder), 'utf8')));
    assert.deepEqual(found, owners, field);
  }
});
