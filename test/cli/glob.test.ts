import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandUrl, fillName } from '../../dist/cli/glob.js';

const urlsOf = (argument: string): string[] => expandUrl(argument).map(({ url }) => url);

test('each list in a URL stands for its members, of which the last list changes fastest', () => {
  assert.deepEqual(urlsOf('{a,b}/[1-2]x'), ['a/1x', 'a/2x', 'b/1x', 'b/2x']);
  assert.deepEqual(urlsOf('[008-010]'), ['008', '009', '010']);
  assert.deepEqual(urlsOf('[8-10]'), ['8', '9', '10']);
  assert.deepEqual(urlsOf('[0-10:5]'), ['0', '5', '10']);
  assert.deepEqual(urlsOf('[a-c:2][X-X]'), ['aX', 'cX']);
  assert.deepEqual(urlsOf('{a}{b,}'), ['ab', 'a']);
});

test('a backslash takes the meaning from a bracket, a brace, and in braces a comma', () => {
  assert.deepEqual(urlsOf(String.raw`\{a,b\}\[1-2\]/{a\,b,c\}}`), ['{a,b}[1-2]/a,b', '{a,b}[1-2]/c}']);
});

test('what is no list stays in the URL as it is', () => {
  for (const url of [
    'http://[::1]:80/',
    '?a[b]=1',
    '[]',
    '{}',
    '[2-1]',
    '[1-3:0]',
    '[1-3:3]',
    '[a-Z]',
    '[1-b]',
    '[1-2',
    'a,b',
  ])
    assert.deepEqual(urlsOf(url), [url]);
});

test('a URL that stands for more than a million is refused before any is made', () => {
  assert.equal(urlsOf('[1-1000000]').length, 1_000_000);
  for (const url of ['[0-1000000]', '{a,b}[1-500001]', '[1-1000][1-1001]', '[0-99999999999999999999]'])
    assert.throws(() => expandUrl(url), { exitCode: 3, message: /^\[.*\] makes more than 1000000 URLs$/ });
});

test('a name has what the n-th list came to in the place of #n', () => {
  const [, , , last] = expandUrl('{a,b}[1-2]');
  assert.equal(fillName('#1-#2-#3-#0-#-#12', last?.chosen ?? []), 'b-2-#3-#0-#-#12');
});
