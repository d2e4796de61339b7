import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { readTrace, viewPage } from '../../dist/view/index.js';
import { passinglane } from '../cli/command.js';
import { connection, counter, request, slice, type TraceEvent, twoConnections } from '../view/traces.js';
import { openOffline, skipWithoutChromium, startChromium } from './chromium.js';

describe('the page that view makes, in Chromium without a network', { skip: skipWithoutChromium() }, () => {
  let browser: Browser;
  let folder: string;
  let files = 0;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'passinglane-view-'));
    browser = await startChromium();
  });
  after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  function pageOf(events: readonly TraceEvent[], title = 'trace.json'): string {
    const file = join(folder, `${files++}.html`);
    writeFileSync(file, viewPage(readTrace(JSON.stringify(events)), title));
    return file;
  }

  const small = [
    ...twoConnections,
    counter(1, 'send window', 0, 65_535),
    counter(1, 'receive window', 0, 65_535),
    counter(1, 'in flight', 1_500, 40_000),
  ];

  it('has a row for each request, shades, curves and a summary, and asks for nothing', async () => {
    const { page, complaints, requests } = await openOffline(browser, pageOf(small));
    assert.deepEqual(await page.locator('.row .label').allTextContents(), [
      'GET /1 200',
      'GET /3 ERR_PASSINGLANE_STREAM_RESET',
      'GET /other 200',
    ]);
    assert.match(await page.locator('#summary').innerText(), /3 requests, 1 failed, 2 connections, 8\.00 ms/);
    assert.deepEqual(await page.locator('.shades span').allTextContents(), ['stalled 2.00 ms', 'silent 1.00 ms']);
    for (const shade of ['.stall', '.silence']) {
      const box = await page.locator(shade).boundingBox();
      assert.ok(box !== null && box.width > 50 && box.height > 20, `${shade} covers ${JSON.stringify(box)}`);
    }
    assert.equal(await page.locator('.chart path:not(.area)').count(), 3, 'two windows, and bytes in flight');
    assert.equal(await page.locator('.row.failed').count(), 1);
    assert.deepEqual([complaints, requests], [[], []]);
  });

  it('tells under the pointer what the request is at, and its frames', async () => {
    const { page, complaints } = await openOffline(browser, pageOf(small));
    const track = page.locator('.row .track').first();
    const box = await track.boundingBox();
    assert.ok(box !== null);
    await page.mouse.move(box.x + box.width / 8 + 3, box.y + box.height / 2); // 1 ms of 8: the HEADERS
    const tip = page.locator('#tip');
    assert.match(await tip.innerText(), /GET \/1 200[^]*wait 4\.00 ms[^]*> HEADERS 40 B[^]*x-colour: green/);
    await page.mouse.move(5, 5);
    assert.equal(await tip.isVisible(), false);
    assert.deepEqual(complaints, []);
  });

  it('is all to be had by keyboard, with the focus in sight', async () => {
    const { page, complaints } = await openOffline(browser, pageOf(small));
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.innerText || document.activeElement.id');
    const reached: string[] = [];
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab');
      reached.push(await focused());
      const outline = await page.evaluate<string>(
        `(() => { const e = document.activeElement; const s = getComputedStyle(e);
          const t = e.querySelector('.track'); return s.outlineStyle + (t ? getComputedStyle(t).boxShadow : 'none') })()`,
      );
      if (reached.at(-1) !== 'scroll') assert.notEqual(outline, 'nonenone', `focus shows on ${reached.at(-1)}`);
      if (reached.at(-1)?.startsWith('GET') === true) break;
    }
    assert.deepEqual(reached.filter((name) => name !== 'scroll').slice(0, 6), [
      'filter',
      '−',
      'fit',
      '+',
      'tall rows',
      'theme',
    ]);
    assert.equal(reached.at(-1), 'GET /1 200');
    await page.keyboard.press('ArrowDown');
    assert.match(await focused(), /^GET \/3/);
    assert.match(await page.locator('#detail').innerText(), /GET https:\/\/a\/3[^]*stream 3[^]*HEADERS[^]*DATA/);
    await page.keyboard.press('End');
    assert.match(await focused(), /^GET \/other/);
    assert.equal(await page.locator('[aria-selected=true]').count(), 1);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#detail').isVisible(), false);
    const width = async (): Promise<number> => (await page.locator('#axis').boundingBox())?.width ?? 0;
    const before = await width();
    await page.keyboard.press('+');
    assert.ok((await width()) > before * 1.9, 'zoomed in');
    await page.keyboard.press('/');
    await page.keyboard.type('failed');
    assert.deepEqual(await page.locator('.row:visible .label').count(), 1);
    assert.deepEqual(complaints, []);
  });

  it('follows the system to dark and light, with text that stands out, and the button turns it', async () => {
    const file = pageOf(small);
    for (const scheme of ['light', 'dark'] as const) {
      const { page } = await openOffline(browser, file, scheme);
      const brightness = (property: string): Promise<number> =>
        page.evaluate(
          `getComputedStyle(document.body).${property}.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3`,
        );
      const [back, ink] = [await brightness('backgroundColor'), await brightness('color')];
      assert.ok(scheme === 'dark' ? back < 60 && ink > 200 : back > 230 && ink < 60, `${scheme}: ${ink} on ${back}`);
      await page.click('#theme');
      assert.equal((await brightness('backgroundColor')) > 128, scheme === 'dark');
    }
  });

  it('shows a hostile header, path, error or name as text and runs none of it', async () => {
    const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'<svg onload=alert(3)>\u2028`;
    const events = [
      ...connection(1, evil),
      ...request(1, 1, 0, { path: evil, result: evil, fields: { 'x-evil': evil, __proto__: evil, [evil]: '1' } }),
      ...request(1, 3, 1, { path: 'javascript:alert(4)' }),
      slice(1, 'stalled', 0, 1_000),
    ];
    const { page, complaints, requests } = await openOffline(browser, pageOf(events, evil));
    await page.locator('.row').first().click();
    await page.locator('.row .track').first().hover();
    assert.match(await page.locator('#detail').innerText(), /x-evil: <\/script><script>alert\(1\)/);
    assert.equal(await page.locator('body :is(img, svg[onload], a, iframe)').count(), 0);
    assert.equal(await page.locator('body script').count(), 2);
    assert.deepEqual([complaints, requests], [[], []]);
  });

  it('opens 5,000 requests', async () => {
    const events: TraceEvent[] = [];
    for (let pid = 1; pid <= 5; pid++) {
      events.push(...connection(pid));
      for (let i = 0; i < 1_000; i++) events.push(...request(pid, 2 * i + 1, i * 1_000));
    }
    const { page, complaints } = await openOffline(browser, pageOf(events));
    assert.equal(await page.locator('.row').count(), 5_000);
    await page.locator('.row').nth(10).focus();
    await page.keyboard.press('End');
    assert.match(await page.locator('#detail').innerText(), /connection 5, stream 1999/);
    assert.deepEqual(complaints, []);
  });

  it('is what the demo leads to: demo --trace FILE, then view FILE', async () => {
    const trace = join(folder, 'demo.json');
    const demo = await passinglane(['demo', '--trace', trace]);
    assert.equal(demo.exitCode, 0, demo.stderr);
    const view = await passinglane(['view', trace]);
    assert.equal(view.exitCode, 0, view.stderr);
    const written = /^(.*\.html): open it in a browser/m.exec(view.stderr)?.[1] ?? '';
    assert.ok(readFileSync(written, 'utf8').length > 0);
    const { page, complaints, requests } = await openOffline(browser, written);
    // Those of the first scene, and of the others.
    assert.ok((await page.locator('.row:not(.failed)').count()) > 500);
    assert.ok((await page.locator('.stall').count()) >= 1, 'the stall is shaded');
    assert.deepEqual([complaints, requests], [[], []]);
  });
});
