// An app in each dialect, for the tools to load.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from 'esbuild';

const names = 'const { fetch, Transport, TransportError } =';

/** A mock with a delay and a time-out, and the network turned off: none of it waits for a fake clock. */
const mocks = `const { Transport } = require('passinglane');
  const { disableNetwork, enableNetwork, MockTransport } = require('passinglane/testing');
  exports.mocks = async () => {
    const mock = new MockTransport().route('/late', { delay: 5, json: 1 }).route('/never', { fault: 'stall' });
    const late = await (await mock.request('https://a.test/late')).body.json();
    const never = await mock.request('https://a.test/never', { timeout: 5 }).catch(({ code }) => code);
    disableNetwork();
    const refused = await new Transport().request('https://a.test/').catch(({ code }) => code);
    enableNetwork();
    mock.destroy();
    if (late !== 1 || never !== 'ERR_PASSINGLANE_TIMEOUT' || refused !== 'ERR_PASSINGLANE_NOT_MOCKED')
      throw new Error([late, never, refused]);
    return 'works';
  };`;

/** As docs/guides/testing.md says: msw's handlers behind a mock, and msw's server above an installed fetch. */
const msw = `import { getResponse, http, HttpResponse } from 'msw';
  import { setupServer } from 'msw/node';
  import { MockTransport } from 'passinglane/testing';
  import { install, uninstall } from 'passinglane/undici';
  const handlers = [http.post('https://a.test/users', async ({ request }) => HttpResponse.json(await request.json()))];
  const mock = new MockTransport().route('*', (call) => getResponse(handlers, call.request()));
  const options = { method: 'POST', body: '{"id":7}' };
  const behind = await (await mock.request('https://a.test/users', options)).body.json();
  mock.destroy();
  install();
  const server = setupServer(...handlers);
  server.listen({ onUnhandledRequest: 'error' });
  const above = await (await fetch('https://a.test/users', options)).json();
  server.close();
  uninstall();
  if (behind.id !== 7 || above.id !== 7) throw new Error(JSON.stringify({ behind, above }));
  console.log('works');`;

/** app.cjs requires the package, app.mjs imports it, app.cts and app.test.ts are TypeScript that becomes CommonJS. */
export function writeApp(project) {
  const write = (name, text) => {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  };
  const exercise = readFileSync(new URL('exercise.mjs', import.meta.url), 'utf8');
  const commonJs = transformSync(exercise, { format: 'cjs', platform: 'node' }).code;
  write('exercise.mjs', exercise);
  write('exercise.cjs', commonJs);
  write('exercise.d.cts', 'export declare function exercise(library: object): Promise<string>;');
  const required = `${names} require('passinglane');
    const { createRequest } = require('passinglane/http');
    const { H2Dispatcher } = require('passinglane/undici');
    const { exercise } = require('./exercise.cjs');`;
  const imported = (dialect) => `import { fetch, Transport, TransportError } from 'passinglane';
    import { createRequest } from 'passinglane/http';
    import { H2Dispatcher } from 'passinglane/undici';
    import { exercise } from './exercise.${dialect}';`;
  const work = 'exercise({ fetch, Transport, TransportError, createRequest, H2Dispatcher })';
  const tested = `test('works', async () => { await ${work}; });`;
  write('app.cjs', `${required} ${work}.then(console.log);`);
  write('app.mjs', `${imported('mjs')} ${work}.then(console.log);`);
  // Under module: preserve an import stays what it is written as.
  let at = 0;
  const preserved = required.replaceAll(/const (.+?) = (require\(.+?\));/g, (_, taken, call) => {
    at++;
    return `import library${at} = ${call}; const ${taken} = library${at};`;
  });
  write('preserved.cts', `${preserved} void ${work}.then(console.log);`);
  write('app.cts', `${imported('cjs')} void ${work}.then(console.log);`);
  write('jest/plain.test.js', `${required.replace('./', '../')} ${tested}`);
  write('ts-jest/typed.test.ts', `${imported('cjs').replace('./', '../')} ${tested}`);
  write('mocks.cjs', mocks);
  write(
    'fakes/jest.test.js',
    `const { mocks } = require('../mocks.cjs'); ${required.replace('./', '../')}
    test('works', async () => { await ${work}; await mocks(); });`,
  );
  write(
    'sinon.cjs',
    `const { mocks } = require('./mocks.cjs'); ${required}
    require('@sinonjs/fake-timers').install();
    ${work}.then(mocks).then(console.log);`,
  );
  write('msw.mjs', msw);
  write('vitest/app.test.mjs', `import { test } from 'vitest'; ${imported('mjs').replace('./', '../')} ${tested}`);
}
