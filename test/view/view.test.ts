import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { NotATrace, readTrace, viewPage, type ViewModel } from '../../dist/view/index.js';
import { passinglane } from '../cli/command.js';
import { startOrigin } from '../support/origin.js';
import { address, connection, counter, leads, request, slice } from './traces.js';

const events = [
  ...connection(1),
  ...request(1, 1, 1_000),
  ...request(1, 3, 2_000, { path: '/gone', result: 'ERR_PASSINGLANE_STREAM_RESET', fields: { 'x-a': 'b' } }),
  slice(1, 'stalled', 3_000, 2_000),
  slice(1, 'silent', 6_000, 500),
  slice(1, 'slow', 5_000, 1_000),
  counter(1, 'in flight', 1_000, 4_096),
  ...connection(2),
];

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-view-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('each request is a row of its connection, with its phases, result and frames', () => {
  const { connections, end } = readTrace(JSON.stringify(events));
  assert.equal(end, 7);
  assert.deepEqual(
    connections.map(({ id, name, rows }) => [id, name, rows.length]),
    [
      [1, 'connection 1 https://a', 2],
      [2, 'connection 2 https://a', 0],
    ],
  );
  const [first] = connections;
  assert.deepEqual(first?.stalls, [[3, 5]]);
  assert.deepEqual(first?.silences, [[6, 6.5]]);
  assert.deepEqual(first?.slows, [[5, 6]]);
  assert.deepEqual(first?.counters, { 'in flight': [[1, 4_096]] });
  const gone = first?.rows[1];
  assert.deepEqual(
    [gone?.title, gone?.result, gone?.from, gone?.to],
    ['GET /gone', 'ERR_PASSINGLANE_STREAM_RESET', 2, 7],
  );
  assert.deepEqual(gone?.phases[0], { name: 'wait', from: 2, to: 6 });
  assert.deepEqual(
    gone?.frames.map(({ name, sent, length, detail }) => [name, sent, length, detail]),
    [
      ['HEADERS', true, 40, 'END_STREAM\nx-a: b'],
      ['DATA', false, 1_000, ''],
    ],
  );
});

test('what a request waited for is in its row', () => {
  const waited = { queue: 1.5, peer: 20 };
  const timed = [...connection(1), ...request(1, 1, 1_000)].map((event) => {
    const args = event['args'] as Record<string, unknown> | undefined;
    return args?.['request'] === undefined ? event : { ...event, args: { ...args, waited } };
  });
  const [first] = readTrace(JSON.stringify(timed)).connections;
  assert.deepEqual(first?.rows[0]?.waited, [
    ['queue', 1.5],
    ['peer', 20],
  ]);
  assert.match(viewPage(readTrace(JSON.stringify(timed)), 'timed'), /It waited for: /);
});

/** A name with two addresses: the first is ejected and comes back, the second leaves. */
const twoAddresses = [
  ...connection(1),
  ...leads(1, '192.0.2.1'),
  ...connection(2),
  ...leads(2, '192.0.2.2', 25_000),
  address('192.0.2.1', 'added', 100),
  address('192.0.2.2', 'added', 100),
  ...request(1, 1, 1_000),
  ...request(1, 3, 3_000),
  address('192.0.2.1', 'ejected', 9_000, { reason: 'errors', until: 1_009_000 }),
  ...request(2, 1, 10_000),
  ...request(1, 5, 11_000),
  address('192.0.2.1', 'returned', 16_000),
  address('192.0.2.1', 'slow-start', 16_000, { until: 10_016_000 }),
  address('192.0.2.2', 'removed', 20_000),
  ...request(1, 7, 30_000),
];

test('of each address of a name there is when it was in use, and when it was ejected, starting slowly or draining', () => {
  const { addresses, end } = readTrace(JSON.stringify(twoAddresses));
  assert.equal(end, 35);
  assert.deepEqual(addresses, [
    {
      origin: 'https://a',
      address: '192.0.2.1',
      requests: 4,
      used: [
        [1, 8],
        [11, 16],
        [30, 35],
      ],
      states: [
        { name: 'ejected', from: 9, to: 16, detail: 'errors' },
        { name: 'slow start', from: 16, to: 35, detail: '' },
      ],
    },
    {
      origin: 'https://a',
      address: '192.0.2.2',
      requests: 1,
      used: [[10, 15]],
      states: [{ name: 'draining', from: 20, to: 25, detail: '' }],
    },
  ]);
});

test('an address that failed is shown as failed until then, or until it fails again or is well', () => {
  const failed = (ts: number, until: number) => address('192.0.2.1', 'failed', ts, { until });
  const events = [
    ...connection(1),
    ...request(1, 1, 1_000),
    failed(2_000, 3_000),
    failed(2_500, 4_500),
    slice(1, 'silent', 1_000, 9_000),
  ];
  const spans = (more: object[]): [number, number][] =>
    readTrace(JSON.stringify([...events, ...more])).addresses.flatMap(({ states }) =>
      states.map(({ from, to }): [number, number] => [from, to]),
    );
  assert.deepEqual(spans([]), [
    [2, 2.5],
    [2.5, 4.5],
  ]);
  assert.deepEqual(spans([address('192.0.2.1', 'returned', 3_500)]), [
    [2, 2.5],
    [2.5, 3.5],
  ]);
});

test('a trace of a process that was killed is read as far as it goes', () => {
  const lines = `[\n${events.map((event) => JSON.stringify(event)).join(',\n')},\n`;
  for (const text of [lines, `${lines}{"ph":"X","na`, JSON.stringify({ traceEvents: events })])
    assert.equal(readTrace(text).connections[0]?.rows.length, 2);
});

test('what is no trace of ours is refused in words', () => {
  for (const text of ['', 'nonsense', '{}', '"text"', 'null']) assert.throws(() => readTrace(text), NotATrace, text);
  assert.throws(() => readTrace('[]'), /neither connections nor requests/);
  assert.throws(() => readTrace('[null, 1, {"ph":"X"}]'), NotATrace);
});

test('events that lack what they should have neither break the page nor name its properties', () => {
  const odd = [
    ...connection(1),
    { ph: 'C', name: '__proto__', pid: 1, tid: 0, ts: 1, args: { bytes: 1 } },
    { ph: 'C', name: 'constructor', pid: 1, tid: 0, ts: 1, args: { bytes: 1 } },
    { ph: 'X', name: 'wait', cat: 'request', pid: 1, tid: 9, ts: 1 },
    { ph: 'i', cat: 'frame', name: 'DATA', pid: 1, tid: 9, ts: 1, args: null },
    { ph: 'X', cat: 'request', pid: 1, tid: 3, ts: 1, args: { request: 1 } },
  ];
  const model = readTrace(JSON.stringify(odd));
  assert.match(viewPage(model, 'odd'), /<!doctype html>/);
});

test('nothing in a trace or a file name ends the page’s data or its title', () => {
  const evil = '</script><script>alert(1)</script><img src=x onerror=alert(1)><!--';
  const model = readTrace(
    JSON.stringify([...connection(1, evil), ...request(1, 1, 0, { path: evil, fields: { evil } })]),
  );
  const page = viewPage(model, evil);
  assert.equal(page.split('</script').length - 1, 2, 'those of the data and of the script itself');
  assert.doesNotMatch(page, /<img|<!--/);
});

test('the page names no other resource', () => {
  const page = viewPage(readTrace(JSON.stringify(events)), 'trace.json').replace(/<script type="application.*/, '');
  assert.doesNotMatch(page, /\b(src|href)\s*=|@import|url\(|\bfetch\(|XMLHttpRequest|\bimport\b/);
  assert.match(page, /default-src 'none'/);
});

test('get --trace FILE and view FILE make a page of what happened', async (t) => {
  const folder = folderOf(t);
  const trace = join(folder, 'get.json');
  const origin = await startOrigin();
  t.after(() => origin.close());
  const urls = ['/bytes/1000', '/bytes/2000'].map((path) => origin.origin + path);
  const got = await passinglane(['--http2-prior-knowledge', '--trace', trace, ...urls]);
  assert.deepEqual([got.exitCode, got.stdout.length], [0, 3_000], got.stderr);
  const seen = await passinglane(['view', trace]);
  assert.equal(seen.exitCode, 0, seen.stderr);
  assert.match(seen.stderr, /get\.html: open it/);
  const rows = readTrace(readFileSync(trace, 'utf8')).connections.flatMap((one) => one.rows);
  assert.deepEqual(
    rows.map(({ title, result }) => [title, result]),
    [
      ['GET /bytes/1000', '200'],
      ['GET /bytes/2000', '200'],
    ],
  );
  const page = await passinglane(['view', '-o', '-', trace]);
  assert.equal(page.stdout.toString(), readFileSync(join(folder, 'get.html'), 'utf8'));
});

/** As much of a DOM as a section of the page is made with: its nodes keep their text. */
class DrawnNode {
  readonly children: (DrawnNode | string)[] = [];
  readonly style: Record<string, string> = {};
  readonly classList = { add: (): void => undefined };
  append(...children: (DrawnNode | string)[]): void {
    this.children.push(...children);
  }
  setAttribute(): void {}
  get textContent(): string {
    return this.children.map((child) => (typeof child === 'string' ? child : child.textContent)).join('');
  }
}

/** A part of the page, with as much of a document as it needs until the test ends. */
async function partOf(t: TestContext, name: string): Promise<unknown> {
  const createElement = (): DrawnNode => new DrawnNode();
  Object.assign(globalThis, { document: { createElement, createElementNS: createElement } });
  t.after(() => Reflect.deleteProperty(globalThis, 'document'));
  return import(new URL(`../../dist/view/page/${name}.js`, import.meta.url).href);
}

test('the panel of a name has a lane for each of its addresses, which says what became of it', async (t) => {
  const { addressPanel } = (await partOf(t, 'addresses')) as {
    addressPanel(addresses: ViewModel['addresses'], end: number): DrawnNode;
  };
  const { addresses, end } = readTrace(JSON.stringify(twoAddresses));
  const lines = addressPanel(addresses, end).children.map((child) => (child as DrawnNode).textContent);
  assert.deepEqual(lines, [
    'https://a2 addresses',
    '192.0.2.1: 4 requests, ejected for 7.00 ms (errors), slow start for 19.0 ms',
    '192.0.2.2: 1 request, draining for 5.00 ms',
  ]);
  assert.match(viewPage(readTrace(JSON.stringify(twoAddresses)), 'two'), /function addressPanel/);
});

test('the heading of a connection says 1 request of one, and 2 requests of two', async (t) => {
  const { section } = (await partOf(t, 'waterfall')) as {
    section(connection: ViewModel['connections'][number], end: number, drawn: unknown[]): DrawnNode;
  };
  const model = readTrace(JSON.stringify([...events, ...request(2, 1, 3_000)]));
  const headings = model.connections.map((one) => {
    const [heading] = section(one, model.end, []).children;
    return typeof heading === 'object' ? heading.textContent : heading;
  });
  assert.match(headings[0] ?? '', /https:\/\/a2 requests, /);
  assert.match(headings[1] ?? '', /https:\/\/a1 request, /);
});

test('view says what is wrong with what it was given', async (t) => {
  const folder = folderOf(t);
  const text = join(folder, 'notes.txt');
  const trace = join(folder, 'trace.json');
  writeFileSync(text, 'no trace');
  writeFileSync(trace, JSON.stringify(events));
  const cases: [string[], number, RegExp][] = [
    [[], 2, /no trace given/],
    [['a', 'b'], 2, /takes one trace/],
    [['--nonsense', 'a'], 2, /--nonsense/],
    [['-o'], 2, /-o/],
    [[join(folder, 'absent.json')], 26, /cannot read .*no such file/],
    [[folder], 26, /cannot read/],
    [[text], 26, /not in the Chrome trace-event format/],
    [['-o', join(folder, 'no/such.html'), trace], 23, /cannot write/],
  ];
  for (const [args, exitCode, message] of cases) {
    const result = await passinglane(['view', ...args]);
    assert.equal(result.exitCode, exitCode, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
    assert.doesNotMatch(result.stderr, /^\s+at /m);
  }
});
