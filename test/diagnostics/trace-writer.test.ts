import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TraceWriter } from '../../dist/diagnostics/index.js';
import { transportFor } from '../http1/support.js';
import { begins, download, sends } from '../support/downloads.js';
import { startOrigin } from '../support/origin.js';
import { type Answer, type PoolHarnessOptions, poolHarness } from '../support/pool-harness.js';
import { readTrace, rowOf } from './traces.js';

const never: Answer = () => undefined;

/** A pool whose trace can be read at any time. */
function traced(options: PoolHarnessOptions = {}): {
  p: ReturnType<typeof poolHarness>;
  text: () => string;
  writer: TraceWriter;
} {
  let text = '';
  const writer = new TraceWriter({ write: (piece) => (text += piece) });
  return { p: poolHarness({ ...options, observer: writer }), text: () => text, writer };
}

test('a request has a slice for each of its phases, on the row of its stream', async () => {
  const { p, text, writer } = traced({ answer: never, dialTime: 20 });
  const call = p.get('/a');
  await p.clock.advance(20);
  await p.clock.advance(30);
  p.peer(0).headers(1, 200);
  await p.clock.advance(10);
  p.peer(0).data(1, 'x', true);
  await p.settle();
  writer.close();
  const events = readTrace(text());
  const connection = call.response?.connection.id ?? 0;
  const names = rowOf(events, connection, 1);
  assert.deepEqual(names, ['GET /a 200', 'queue', 'wait', 'body']);
  const lasted = (name: string): number | undefined =>
    events.find((one) => one.ph === 'X' && one.tid === 1 && one.name === name)?.dur;
  assert.deepEqual(
    [lasted('GET /a 200'), lasted('queue'), lasted('wait'), lasted('body')],
    [60_000, 20_000, 30_000, 10_000],
  );
  const whole = events.find((one) => one.ph === 'X' && one.name === 'GET /a 200');
  assert.deepEqual(whole?.args?.['waited'], { queue: 20, peer: 40 });
  const name = events.find((one) => one.name === 'process_name' && one.pid === connection)?.args?.['name'];
  assert.match(String(name), /^connection \d+ https:\/\/test\.example/);
});

test('a dial over TLS is in the row of the request that waited for it, and in that of its connection', async (t) => {
  const origin = await startOrigin({ tls: true });
  t.after(() => origin.close());
  let text = '';
  const observer = new TraceWriter({ write: (piece) => (text += piece) });
  const transport = transportFor(t, { observer });
  const response = await transport.request(`${origin.origin}/`);
  await response.body.dump();
  observer.close();
  const events = readTrace(text);
  assert.ok(rowOf(events, response.connection.id, 1).includes('dial'));
  assert.ok(rowOf(events, response.connection.id, 0).includes('tls'));
});

test('waits for flow control, stalls and silence have slices of their own', async () => {
  const { p, text, writer } = traced({ peer: { initialWindowSize: 1_000 }, answer: never });
  p.get('/before'); // so that the window is known
  await p.settle();
  p.post('/up', Buffer.alloc(1_500));
  await p.clock.advance(40);
  p.peer(0).send(8, 0, 3, Buffer.from([0, 0, 4, 0]));
  await p.settle();
  p.peer(0).stallNow();
  p.post('/stalled', Buffer.alloc(900));
  await p.clock.advance(300);
  p.peer(0).resume();
  await p.settle();
  writer.close();
  const events = readTrace(text());
  const slices = events.filter((one) => one.ph === 'X');
  assert.equal(slices.find((one) => one.name === 'window wait')?.dur, 40_000);
  const stall = slices.find((one) => one.name === 'stalled');
  assert.equal(stall?.tid, 0, "on the connection's row");
  assert.equal(stall.dur, 200_000);
});

test('the time in which bulk fills the path is a slice, which ends with the bulk', async () => {
  const { p, text, writer } = traced({
    answer: begins,
    probeAfter: 0,
    readIdleTimeout: 0,
  });
  await download(p);
  p.peer(0).answersPings = false;
  await sends(p, 10, 10);
  p.peer(0).data(1, '', true);
  await p.settle();
  writer.close();
  const slow = readTrace(text()).filter((one) => one.ph === 'X' && one.name === 'slow');
  assert.deepEqual(
    slow.map(({ tid, cat, dur }) => [tid, cat, dur]),
    [[4, 'connection', 50_000]],
  );
});

test('an attempt that is sent again ends with the reason, and the next has slices of its own', async () => {
  let refused = false;
  const { p, text, writer } = traced({
    answer: (peer, id) => {
      if (refused) return peer.ok(id);
      refused = true;
      peer.reset(id, 7);
    },
  });
  p.get('/again');
  await p.settle();
  writer.close();
  const attempts = readTrace(text()).filter((one) => one.ph === 'X' && one.args?.['attempt'] !== undefined);
  assert.deepEqual(
    attempts.map((one) => one.args?.['attempt']),
    [1, 2],
  );
  assert.match(String(attempts[0]?.args?.['result']), /^sent again: .*REFUSED_STREAM/);
  assert.equal(attempts[1]?.args?.['result'], '200');
});

test('what becomes of an address is an instant with its time in the trace, and a connection says where it leads', async () => {
  const { p, text, writer } = traced({ addresses: ['192.0.2.1', '192.0.2.2'], refusing: new Set(['192.0.2.1']) });
  p.get('/a');
  await p.clock.advance(50);
  writer.close();
  const events = readTrace(text());
  const told = events
    .filter(({ cat }) => cat === 'address')
    .map(({ name, ts, args }) => [name, args?.['address'], Number(args?.['until']) - ts]);
  assert.deepEqual(told, [
    ['added', '192.0.2.1', NaN],
    ['added', '192.0.2.2', NaN],
    ['failed', '192.0.2.1', 1_000_000],
  ]);
  assert.equal(events.find(({ name }) => name === 'connected')?.args?.['remoteAddress'], '192.0.2.2');
});

test('a request that failed without a connection has a row', async () => {
  const { p, text, writer } = traced({ dialErrors: [new Error('refused')], retry: { maxAttempts: 1 } });
  p.get('/nowhere');
  await p.settle();
  writer.close();
  const events = readTrace(text());
  const request = events.find((one) => one.ph === 'X' && one.name.startsWith('GET /nowhere'));
  assert.equal(request?.pid, 0);
  assert.ok(events.some((one) => one.ph === 'X' && one.name === 'dial failed'));
});

test('requests at once have rows of their own, and slices that nest', async () => {
  const { p, text, writer } = traced({ answer: never });
  const calls = Array.from({ length: 50 }, (_, i) => p.get(`/${i}`));
  await p.clock.advance(5);
  p.peer(0).answerAll();
  await p.settle();
  writer.close();
  const rows = readTrace(text()).filter((one) => one.ph === 'X' && one.args?.['request'] !== undefined);
  assert.equal(new Set(rows.map((one) => `${one.pid} ${one.tid}`)).size, calls.length);
});

test('no credential of any header block reaches the file', async () => {
  const { p, text, writer } = traced({
    answer: (peer, id) => peer.headers(id, 200, { end: true, fields: [['set-cookie', 'session=s3cret']] }),
  });
  p.get('/', { headers: { authorization: 'Bearer s3cret', cookie: 'a=s3cret', 'proxy-authorization': 's3cret' } });
  await p.settle();
  writer.close();
  readTrace(text());
  assert.doesNotMatch(text(), /s3cret/);
  assert.equal(text().match(/\[hidden\]/g)?.length, 4);
});

test('a file can be read at whatever event it was cut', async () => {
  const { p, text, writer } = traced();
  p.get('/');
  await p.settle();
  writer.close();
  const lines = text().trimEnd().split('\n');
  for (let i = 2; i < lines.length; i++) readTrace(lines.slice(0, i).join('\n'));
});

test('the file of a process that was killed can be read to its last whole event', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-trace-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'trace.json');
  const library = new URL('../../dist/diagnostics/index.js', import.meta.url).href;
  const script = `
    import { openTrace } from ${JSON.stringify(library)};
    const { observer } = openTrace(${JSON.stringify(file)}, false);
    const frame = { connection: 1, direction: 'sent', type: 0, flags: 0, streamId: 1, length: 1, time: 1 };
    for (let i = 0; i < 5_000; i++) observer.frame(frame);
    process.stdout.write('written');
    setInterval(() => undefined, 1_000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const events = readTrace(readFileSync(file, 'utf8'));
  assert.ok(events.length > 1_000, `${events.length} events were in the file`);
});

test('of two attempts beside one another the one that was not needed has a slice of its own, on the row of its stream', async () => {
  for (const winner of [0, 1]) {
    const { p, text, writer } = traced({ answer: never, hedge: { after: 50 } });
    await Promise.all([p.transport.preconnect('https://test.example', 2), p.settle()]);
    const call = p.get('/a', { idempotent: true });
    await p.clock.advance(60);
    p.peer(winner).ok(1);
    await p.settle();
    writer.close();
    const events = readTrace(text());
    const won = call.response?.connection.id ?? 0;
    const lost = events.find((one) => one.ph === 'X' && one.name === 'GET /a not needed');
    assert.ok(lost !== undefined && lost.pid !== won);
    assert.equal(lost.dur, winner === 0 ? 10_000 : 60_000);
    assert.deepEqual(rowOf(events, won, 1)[0], 'GET /a 200');
  }
});

test('an answer that was dropped is why a request was sent again', async () => {
  const { p, text, writer } = traced({
    retry: { statuses: [503] },
    answer: (peer, id) => peer.headers(id, id === 1 ? 503 : 200, { end: true }),
  });
  p.get('/a');
  await p.clock.advance(10);
  writer.close();
  const results = readTrace(text()).map((one) => one.args?.['result']);
  assert.ok(results.includes('sent again: answered 503'));
});
