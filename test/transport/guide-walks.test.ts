import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

const guide = readFileSync(new URL('../../docs/guides/how-it-works.md', import.meta.url), 'utf8');

/** The files that the guide's tables name, of the way out and of the way in, and how many it says there are. */
const walks = guide
  .split('### Its files, in order')
  .slice(1)
  .map((text) => ({
    files: [...text.split('\n## ')[0]!.matchAll(/^\| `src\/([^`]*)\.ts` \|/gm)].map(([, file]) => file!),
    count: Number(/(\d+) files/.exec(text)?.[1]),
  }));

/** The modules of dist/ in which a function has been called since this was asked last. */
async function entered(session: Session): Promise<Set<string>> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const called = result.filter(({ functions }) => functions.some(({ ranges: [whole] }) => whole!.count > 0));
  return new Set(called.map(({ url }) => /\/dist\/(.*)\.js$/.exec(url)?.[1] ?? url));
}

test('the guide counts the files on both ways of a request, and a request enters each of them', async (t) => {
  const origin = await startOrigin({
    handler: (request, response) => {
      response.setHeader('x-path', request.url);
      response.end('hello');
    },
  });
  t.after(() => origin.close());
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(() => transport.close());
  await (await transport.request(`${origin.origin}/first`)).text();
  const session = new Session();
  session.connect();
  t.after(() => session.disconnect());
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await entered(session);
  // Another path than before, so that neither its headers nor the response's are known.
  const response = await transport.request(`${origin.origin}/second`);
  for await (const chunk of response.body) assert.equal(chunk.length, 5);
  const files = await entered(session);
  assert.equal(walks.length, 2);
  for (const walk of walks) {
    assert.equal(walk.files.length, walk.count);
    assert.deepEqual(
      walk.files.filter((file) => !files.has(file)),
      [],
    );
  }
});
