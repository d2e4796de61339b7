/** What the page of `view` draws and does, on a browser made up for it; in a real one: test/interop/view.test.ts. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { readTrace, viewPage } from '../../dist/view/index.js';
import { FakePage, type FakeElement } from './dom.js';
import { address, connection, counter, leads, request, slice, type TraceEvent, twoConnections } from './traces.js';

let pages = 0;

/** Opens the page of a trace. */
async function open(t: TestContext, events: readonly TraceEvent[], dark = false): Promise<FakePage> {
  const page = new FakePage(viewPage(readTrace(JSON.stringify(events)), 'trace.json'));
  page.dark = dark;
  const { globals } = page;
  Object.assign(globalThis, globals);
  t.after(() => {
    for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
  });
  await import(`${new URL('../../dist/view/page/main.js', import.meta.url).href}?page=${pages++}`);
  return page;
}

const small = [
  ...twoConnections,
  slice(2, 'slow', 4_500, 2_000),
  counter(1, 'send window', 0, 65_535),
  counter(1, 'send window', 4_000, 0),
  counter(1, 'in flight', 1_500, 40_000),
];

const rowsOf = (page: FakePage): FakeElement[] => page.byId('content').all('row');
const labels = (rows: readonly FakeElement[]): string[] =>
  rows.map((row) => row.querySelector('.label')?.textContent ?? '');
const shown = (page: FakePage): string[] => labels(rowsOf(page).filter(({ classes }) => !classes.has('hidden')));
const focused = (page: FakePage): string =>
  labels(page.activeElement === undefined ? [] : [page.activeElement])[0] ?? '';

test('each request has a row, each stall and silence a shade, each curve a line, and the summary counts them', async (t) => {
  const page = await open(t, small);
  const content = page.byId('content');
  assert.deepEqual(labels(rowsOf(page)), ['GET /1 200', 'GET /3 ERR_PASSINGLANE_STREAM_RESET', 'GET /other 200']);
  assert.deepEqual(labels(content.all('failed')), ['GET /3 ERR_PASSINGLANE_STREAM_RESET']);
  assert.equal(page.byId('summary').textContent, '3 requests, 1 failed, 2 connections, 8.00 ms');
  const [stall] = content.all('stall');
  assert.deepEqual(
    [stall?.textContent, stall?.style['left'], stall?.style['width']],
    ['stalled 2.00 ms', '31.2500%', '25.0000%'],
  );
  assert.deepEqual(
    content.all('silence').map(({ textContent }) => textContent),
    ['silent 1.00 ms'],
  );
  assert.deepEqual(
    content.all('slow').map(({ textContent }) => textContent),
    ['slow 2.00 ms'],
  );
  const [lane] = content.all('chart');
  const lines = lane?.querySelector('.track')?.children[0] as FakeElement;
  assert.deepEqual(
    lines.children.map((line) => (line as FakeElement).attributes.get('d')),
    ['M0.00 0.0H500.00V100.0H1000', 'M187.50 100V21.9H1000V100Z', 'M187.50 21.9H1000'],
  );
  assert.match(lane?.textContent ?? '', /up to 65\.5 kB/);
  assert.match(page.byId('legend').textContent, /^queuedialsend/);
});

test('the addresses of each name have a panel above the connections, by name, and colours in the legend', async (t) => {
  const page = await open(t, [
    ...twoConnections,
    ...leads(1, '192.0.2.1'),
    address('192.0.2.9', 'ejected', 1_000, { origin: 'https://b', reason: 'errors' }),
    address('192.0.2.1', 'added', 100),
    address('192.0.2.2', 'failed', 2_000),
    address('192.0.2.8', 'added', 100, { origin: 'https://aa' }),
  ]);
  const sections = page.byId('content').all('connection');
  assert.deepEqual(
    sections.filter(({ classes }) => classes.has('addresses')).map(({ textContent }) => textContent),
    [
      'https://a2 addresses192.0.2.1: 2 requests192.0.2.2: 0 requests, failed for 6.00 ms',
      'https://aa1 address192.0.2.8: 0 requests',
      'https://b1 address192.0.2.9: 0 requests, ejected for 7.00 ms (errors)',
    ],
  );
  assert.deepEqual(
    sections.map(({ classes }) => classes.has('addresses')),
    [true, true, true, false, false],
  );
  assert.match(page.byId('legend').textContent, /in flightaddress in usefailed or ejectedslow startdraining$/);
  const plain = await open(t, twoConnections);
  assert.match(plain.byId('legend').textContent, /in flight$/);
});

test('a dial of whose parts nothing is known is called by that name, and a request may have a title of its own', async (t) => {
  const nameless = request(1, 1, 0).map((event) => (event['dur'] === 5_000 ? { ...event, name: 'a cat' } : event));
  const data = { ph: 'i', s: 't', cat: 'frame', pid: 1, tid: 1, name: 'DATA', ts: 0 };
  const dial = { ph: 'X', name: 'dial', cat: 'connection', pid: 1, tid: 0, ts: 0, dur: 400, args: {} };
  const page = await open(t, [dial, ...nameless, { ...data, args: { direction: 'received', length: 250_000 } }]);
  assert.deepEqual(labels(rowsOf(page)), ['a cat 200']);
  assert.equal(page.byId('content').querySelector('.dial')?.textContent, 'dial');
  rowsOf(page)[0]?.fire('click');
  assert.match(page.byId('detail').textContent, /DATA250 kB/);
});

test('one request on one connection is said in the singular, and one that had none is counted with none', async (t) => {
  const page = await open(t, [...connection(1), ...request(1, 1, 0)]);
  assert.match(page.byId('summary').textContent, /^1 request, 0 failed, 1 connection, /);
  const none = await open(t, request(0, 1, 0, { result: 'ERR_PASSINGLANE_CONNECT_FAILED' }));
  assert.match(none.byId('summary').textContent, /^1 request, 1 failed, 0 connections, /);
  rowsOf(none)[0]?.fire('click');
  assert.match(none.byId('detail').textContent, /on no connection: ERR_PASSINGLANE_CONNECT_FAILED after/);
});

test('keys go from row to row, past those that the filter hides, and open and close what is selected', async (t) => {
  const page = await open(t, small);
  assert.equal(page.press('ArrowDown'), false, 'no row has the focus');
  rowsOf(page)[0]?.fire('click');
  assert.equal(focused(page), 'GET /1 200');
  assert.match(page.byId('detail').textContent, /GET https:\/\/a\/1connection 1, stream 1: 200 after 5\.00 ms, wait 4/);
  assert.match(page.byId('detail').textContent, /\+0sentHEADERS40 BEND_STREAM\nx-colour: green/);
  const walk = (...keys: string[]): string[] =>
    keys.map((key) => {
      assert.equal(page.press(key), true, key);
      return focused(page);
    });
  assert.deepEqual(walk('ArrowDown', 'ArrowDown', 'ArrowDown', 'Home', 'ArrowUp', 'End'), [
    'GET /3 ERR_PASSINGLANE_STREAM_RESET',
    'GET /other 200',
    'GET /other 200',
    'GET /1 200',
    'GET /1 200',
    'GET /other 200',
  ]);
  const selected = rowsOf(page).filter(({ attributes }) => attributes.get('aria-selected') === 'true');
  assert.deepEqual([labels(selected), selected[0]?.tabIndex], [['GET /other 200'], 0]);
  page.byId('filter').fire('input', { target: { value: ' 200 ' } });
  assert.deepEqual(shown(page), ['GET /1 200', 'GET /other 200']);
  assert.deepEqual(walk('ArrowUp', 'ArrowDown'), ['GET /1 200', 'GET /other 200']);
  page.byId('filter').fire('input', { target: { value: 'FAILED' } });
  assert.deepEqual(shown(page), ['GET /3 ERR_PASSINGLANE_STREAM_RESET']);
  page.byId('filter').fire('input', { target: { value: '' } });
  assert.equal(shown(page).length, 3);
  walk('Enter');
  assert.match(page.byId('detail').textContent, /a\/other/);
  walk('Escape');
  assert.equal(page.byId('detail').textContent, '');
});

test('keys that are the browser’s or go into the filter are left alone', async (t) => {
  const page = await open(t, small);
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) assert.equal(page.press('+', { [modifier]: true }), false);
  assert.equal(page.press('x'), false);
  assert.equal(page.press('toString'), false);
  assert.equal(page.press('/'), true);
  assert.equal(page.activeElement, page.byId('filter'));
  assert.equal(page.press('+'), false, 'it is typed');
});

test('it zooms by keys and buttons, about the middle, and no further than there is something to see', async (t) => {
  const page = await open(t, small);
  const scroll = page.byId('scroll');
  const zoom = (): string | undefined => page.byId('content').properties.get('--zoom');
  const step = (act: () => unknown): [string | undefined, number] => {
    act();
    return [zoom(), scroll.scrollLeft];
  };
  assert.deepEqual(
    step(() => page.press('+')),
    ['2', 450],
  );
  assert.deepEqual(
    step(() => page.press('=')),
    ['4', 1_350],
  );
  assert.deepEqual(
    step(() => page.press('-')),
    ['2', 450],
  );
  assert.deepEqual(
    step(() => page.press('0')),
    ['1', 0],
  );
  assert.deepEqual(
    step(() => page.byId('out').fire('click')),
    ['1', 0],
  );
  for (let i = 0; i < 12; i++) page.byId('in').fire('click');
  assert.equal(zoom(), '512');
  page.byId('fit').fire('click');
  assert.equal(zoom(), '1');
  const marks = page.byId('axis').children.map((mark) => (mark as FakeElement).textContent);
  assert.deepEqual(marks, ['0', '1.00 ms', '2.00 ms', '3.00 ms', '4.00 ms', '5.00 ms', '6.00 ms', '7.00 ms']);
});

test('rows are as high as there is room for, or tall where that is asked for', async (t) => {
  const page = await open(t, small);
  const content = page.byId('content');
  const height = (): [string | undefined, boolean] => [content.properties.get('--row'), content.classes.has('dense')];
  assert.deepEqual(height(), ['18px', false]);
  page.byId('scroll').clientHeight = 320;
  page.window.fire('resize');
  assert.deepEqual(height(), ['6.5px', true]);
  page.byId('rows').fire('click');
  assert.deepEqual(height(), ['18px', false]);
  assert.equal(page.byId('rows').attributes.get('aria-pressed'), 'true');
  page.byId('rows').fire('click');
  assert.deepEqual(height(), ['6.5px', true]);
});

test('the button turns the theme that the system has, and back', async (t) => {
  for (const [dark, turned, back] of [
    [false, 'dark', 'light'],
    [true, 'light', 'dark'],
  ] as const) {
    const page = await open(t, small, dark);
    const turn = (): string | undefined => {
      page.byId('theme').fire('click');
      return page.documentElement.dataset['theme'];
    };
    assert.deepEqual([turn(), turn(), turn()], [turned, back, turned]);
  }
});

test('under the pointer it tells of the request, its phase and the frames near by, inside the window', async (t) => {
  const page = await open(t, small);
  const [row] = rowsOf(page);
  const tip = page.byId('tip');
  const at = (clientX: number, clientY: number): string => {
    row?.fire('mousemove', { clientX, clientY });
    return tip.textContent;
  };
  assert.equal(at(128, 100), 'GET /1 2005.00 ms, here wait 4.00 ms> HEADERS 40 B\nEND_STREAM\nx-colour: green');
  assert.deepEqual([tip.hidden, tip.style['left'], tip.style['top']], [false, '142px', '118px']);
  assert.equal(at(687, 100), 'GET /1 2005.00 ms, here body 1.00 ms< DATA 1.0 kB');
  assert.equal(at(900, 100), 'GET /1 2005.00 ms');
  tip.box = { left: 0, width: 300, height: 100 };
  at(1_190, 790);
  assert.deepEqual([tip.style['left'], tip.style['top']], ['892px', '678px'], 'it would stick out');
  row?.fire('mouseleave');
  assert.equal(tip.hidden, true);
});

test('of many requests the list says how many, and of many frames the panel shows the first 500', async (t) => {
  const many = Array.from({ length: 41 }, (_, i) => request(1, 2 * i + 1, 0)).flat();
  const frames = Array.from({ length: 510 }, (_, i) => ({
    ...{
      ph: 'i',
      s: 't',
      cat: 'frame',
      pid: 1,
      tid: 1,
      name: 'DATA',
      ts: i,
      args: { direction: 'sent', length: 5_000_000 },
    },
  }));
  const page = await open(t, [...connection(1), ...many, ...frames]);
  assert.match(page.byId('content').all('hint')[0]?.textContent ?? '', /^41 requests, a line each/);
  rowsOf(page)[0]?.fire('click');
  const { textContent } = page.byId('detail');
  assert.match(textContent, /and 12 more$/);
  assert.match(textContent, /DATA5\.0 MB/);
});

test('a trace without requests draws its connections, and no key goes anywhere', async (t) => {
  const page = await open(t, connection(1));
  assert.equal(page.byId('content').all('connection').length, 1);
  assert.match(page.byId('summary').textContent, /^0 requests, 0 failed/);
  assert.equal(page.press('End'), false);
});

test('the panel tells of an attempt, of what was waited for, of no result, and of times and sizes of every order', async (t) => {
  const [first, ...rest] = request(1, 1, 0, { result: '' });
  const args = { request: 1, attempt: 2, url: 'https://a/long', waited: { queue: 15, peer: 150 } };
  const long = [
    { ...first, dur: 2_500_000, args },
    ...rest,
    {
      ph: 'i',
      s: 't',
      cat: 'frame',
      pid: 1,
      tid: 1,
      name: 'DATA',
      ts: 0,
      args: { direction: 'received', length: 4e9 },
    },
    { ph: 'X', name: 'tls', cat: 'connection', pid: 1, tid: 0, ts: 400, dur: 100, args: {} },
    { ph: 'X', name: 'odd', cat: 'request', pid: 1, tid: 1, ts: 0, dur: 10, args: {} },
  ];
  const page = await open(t, [...connection(1), ...long]);
  rowsOf(page)[0]?.fire('click');
  const { textContent } = page.byId('detail');
  assert.match(textContent, /connection 1, stream 1, attempt 2: no result after 2\.50 s/);
  assert.match(textContent, /It waited for: queue 15\.0 ms, peer 150 ms/);
  assert.match(textContent, /DATA4\.0 GB/);
  assert.match(page.byId('content').querySelector('.dial')?.textContent ?? '', /tcp 0\.40 ms, tls 0\.10 ms/);
  assert.equal(page.byId('content').all('queue').length, 1, 'a phase that has no colour of its own');
});

test('the page says which of its elements is not there', async (t) => {
  const page = await open(t, small);
  const { byId } = (await import(new URL('../../dist/view/page/dom.js', import.meta.url).href)) as {
    byId(id: string): unknown;
  };
  assert.equal(byId('tip'), page.byId('tip'));
  assert.throws(() => byId('nothing'), /lacks #nothing/);
});
