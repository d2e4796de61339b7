/** The list of error codes, held against the source that throws them and the page that explains them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sentenceOf, TransportError, transportErrorCodes } from '../../dist/errors.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const codes: readonly string[] = transportErrorCodes;

function codesIn(text: string): string[] {
  return text.match(/ERR_PASSINGLANE_[A-Z0-9_]*[A-Z0-9]/g) ?? [];
}

/** The library's source without comments, and without the list itself. The command explains codes, but throws none. */
function source(): string {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'errors.ts' && !file.startsWith('cli'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, ''))
    .join('\n');
}

/** Each section of the page that is headed by a code. */
function sections(): Map<string, string> {
  const [, ...parts] = readFileSync(join(root, 'docs', 'errors.md'), 'utf8').split(/^## /m);
  return new Map(
    parts.map((part) => {
      const [heading = '', ...text] = part.split('\n');
      return [heading, text.join('\n').trim()];
    }),
  );
}

test('the list of codes has each code once, in order', () => {
  assert.deepEqual([...new Set(codes)].sort(), [...codes].sort());
});

test('every code of the list is thrown somewhere, and no code is thrown that is not in the list', () => {
  assert.deepEqual([...new Set(codesIn(source()))].sort(), [...codes].sort());
});

test('docs/errors.md explains every code and no other, in one paragraph, in the order of the list', () => {
  const explained = sections();
  assert.deepEqual([...explained.keys()], [...codes].sort());
  for (const [code, text] of explained) {
    assert.doesNotMatch(text, /\n\n/, `${code} has one paragraph`);
    assert.ok(text.split(/[.:] /).length >= 2, `${code}: what happened, and what to do`);
  }
});

test('the message of every error ends in the anchor of its code on the page that the package brings along', () => {
  const anchors = [...sections().keys()].map((heading) => `docs/errors.md#${heading.toLowerCase()}`);
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  assert.ok(files.includes('docs/**/*.md'));
  for (const code of transportErrorCodes) {
    const error = new TransportError(code, 'It broke', { scope: 'request', initiator: 'local' });
    const [, anchor = ''] = /^It broke \((.+)\)$/.exec(error.message) ?? [];
    assert.ok(anchors.includes(anchor), error.message);
    assert.equal(sentenceOf(error), 'It broke');
    const again = new TransportError(code, error.message, { scope: 'request', initiator: 'local', cause: error });
    assert.equal(again.message, error.message, 'one that is made of it has it once');
  }
});

test('the pages that speak of a code speak of one that there is', () => {
  const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => join('docs', file))];
  for (const page of pages.filter((file) => file.endsWith('.md')))
    for (const code of codesIn(readFileSync(join(root, page), 'utf8')))
      assert.ok(codes.includes(code), `${page}: ${code}`);
});
