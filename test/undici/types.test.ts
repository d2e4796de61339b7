import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Dispatcher as Dispatcher8, RequestInit as Init8 } from 'undici';
import type { Dispatcher as Dispatcher6, RequestInit as Init6 } from 'undici-6';
import type { Dispatcher as Dispatcher7, RequestInit as Init7 } from 'undici-7';
import { H2Dispatcher } from '../../dist/undici/index.js';

test('it is a Dispatcher to the types of undici 6, 7 and 8, and takes their interceptors', () => {
  // Held by the compiler.
  const six = (dispatcher: H2Dispatcher): Dispatcher6 => dispatcher;
  const seven = (dispatcher: H2Dispatcher): Dispatcher7 => dispatcher;
  const eight = (dispatcher: H2Dispatcher): Dispatcher8 => dispatcher;
  const inits = (dispatcher: H2Dispatcher): [Init6, Init7, Init8] => [{ dispatcher }, { dispatcher }, { dispatcher }];
  const composed = (
    dispatcher: H2Dispatcher,
    older: Dispatcher6.DispatcherComposeInterceptor,
    newer: Dispatcher8.DispatcherComposeInterceptor,
  ): H2Dispatcher => dispatcher.compose(older).compose(newer);
  for (const check of [six, seven, eight, inits, composed]) assert.equal(typeof check, 'function');
});

test('neither the code nor the types name undici as a module', () => {
  const folder = new URL('../../dist/undici/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.js') || file.endsWith('.d.ts'));
  assert.ok(files.length > 0);
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), 'utf8');
    assert.doesNotMatch(text, /(from|import\()\s*['"]undici/, file);
  }
  assert.equal(typeof H2Dispatcher, 'function');
});
