/** What a request tells of the page it is said to come from (Referrer Policy, sections 8.1 to 8.3). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { referrerOf } from '../../dist/fetch/referrer.js';
import { origin, seen, setup } from './support.js';

const page = 'https://user:secret@a.test/page?q=1#part';
const whole = 'https://a.test/page?q=1';
const cut = 'https://a.test/';

describe('the referrer', () => {
  for (const [policy, toSame, toOther, toInsecure] of [
    ['', whole, cut, undefined],
    ['no-referrer', undefined, undefined, undefined],
    ['no-referrer-when-downgrade', whole, whole, undefined],
    ['same-origin', whole, undefined, undefined],
    ['origin', cut, cut, cut],
    ['strict-origin', cut, cut, undefined],
    ['origin-when-cross-origin', whole, cut, cut],
    ['strict-origin-when-cross-origin', whole, cut, undefined],
    ['unsafe-url', whole, whole, whole],
  ] as const)
    test(`is told as far as the policy '${policy}' goes, and never with credentials or a fragment`, () => {
      const told = (url: string): string | undefined => referrerOf(page, policy, new URL(url))?.url.href;
      assert.equal(told('https://a.test/other'), toSame);
      assert.equal(told('https://b.test/'), toOther);
      assert.equal(told('http://a.test/'), toInsecure);
      assert.equal(told('http://localhost/'), toOther, 'what stays on the machine cannot be read on the way');
    });

  test('that is longer than 4,096 characters is cut down to its origin', () => {
    const told = referrerOf(`https://a.test/${'x'.repeat(4_096)}`, 'unsafe-url', new URL('https://a.test/'));
    assert.equal(told?.url.href, cut);
  });

  test('goes out as a header field, of an init and of a Request', async (t) => {
    const { fetch, at } = await setup(t);
    const init = { referrer: `${at}/page?q#part` };
    for (const response of [await fetch(`${at}/inspect`, init), await fetch(new Request(`${at}/inspect`, init))])
      assert.equal((await seen(response)).headers['referer'], `${at}/page?q`);
    for (const referrer of ['', 'about:client', 'data:,x'])
      assert.equal((await seen(await fetch(`${at}/inspect`, { referrer }))).headers['referer'], undefined);
  });

  test('is cut down on the way to another origin, and stays so on the way back', async (t) => {
    const { fetch, at } = await setup(t);
    const other = await origin(t);
    const back = `${other.origin}/redirect/302?to=${encodeURIComponent(`${at}/inspect`)}`;
    const url = `${at}/redirect/302?to=${encodeURIComponent(back)}`;
    assert.equal((await seen(await fetch(url, { referrer: `${at}/page` }))).headers['referer'], `${at}/`);
  });

  test('follows the policy of the response that redirects', async (t) => {
    const server = await origin(t);
    const { fetch } = await setup(t);
    const url = `${server.origin}/redirect/302?to=/inspect&policy=unknown,no-referrer`;
    const { headers } = await seen(await fetch(url, { referrer: `${server.origin}/page` }));
    assert.equal(headers['referer'], undefined);
  });
});
