/** What a transport owes the process that it runs in: its exit, its memory, its async contexts, its error handlers. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { connect, createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';
import { rawServer, type, type RawConnection, type RawServer, type Script } from '../support/raw-server.js';
import { runScript, withFile, type ScriptResult } from './child.js';

async function originFor(t: TestContext, options?: OriginOptions): Promise<TestOrigin> {
  const origin = await startOrigin(options);
  t.after(() => origin.close());
  return origin;
}

async function scripted(t: TestContext, script: Script): Promise<RawServer> {
  const server = await rawServer(script);
  t.after(() => server.close());
  return server;
}

function transportFor(t: TestContext, options?: TransportOptions): Transport {
  const transport = new Transport({ cleartext: 'h2c', ...options });
  t.after(() => transport.destroy());
  return transport;
}

function endedWith(result: ScriptResult, stdout: string): void {
  assert.deepEqual(result, { code: 0, stdout, stderr: '' });
}

/** The client's next reset of a stream: its error code. */
async function resetCode(connection: RawConnection, streamId?: number): Promise<number> {
  return (await connection.nextOf(type.rstStream, streamId)).payload.readUInt32BE();
}

const cancel = 8;

// --- the end of the process ---

test('a script of one request ends by itself as soon as it has its answer', async (t) => {
  const { origin } = await originFor(t);
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c' });
      console.log(await (await transport.request('${origin}/hello.txt')).body.text());`),
    'hello\n\n',
  );
});

test('so does one that uses the shared transport, over TLS', async (t) => {
  const { origin, ca = '' } = await originFor(t, { tls: true });
  const result = await withFile(ca, (path) =>
    runScript(`console.log(await (await request('${origin}/hello.txt')).body.text());`, {
      env: { NODE_EXTRA_CA_CERTS: path },
    }),
  );
  endedWith(result, 'hello\n\n');
});

test('so does one whose request fails', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  endedWith(
    await runScript(`await request('https://127.0.0.1:${port}/').catch((error) => console.log(error.code));`),
    'ERR_PASSINGLANE_CONNECT_FAILED\n',
  );
});

const notWork: Readonly<Record<string, string>> = {
  'time-outs that are still running': `
    const response = await transport.request(origin + '/hello.txt', { timeout: 60_000, headersTimeout: 60_000, bodyTimeout: 60_000 });
    await response.body.text();`,
  'a connection made ahead': `await transport.preconnect(origin);`,
  'connections made ahead': `await transport.preconnect(origin, 3);`,
  'an idle connection outside the pool': `await transport.connect(origin);`,
  'a slot reserved on a connection': `(await transport.connect(origin)).reserveNewRequest();`,
  'a connection that answered a PING': `await (await transport.connect(origin)).ping({ timeout: 60_000 });`,
  'a request aborted before it was sent': `
    const controller = new AbortController();
    const aborted = transport.request(origin + '/silent', { signal: controller.signal, timeout: 60_000 });
    controller.abort(new Error('no'));
    await aborted.catch(() => undefined);`,
  'a request aborted while it was waiting for its answer': `
    await transport.preconnect(origin);
    const aborted = transport.request(origin + '/silent', { signal: AbortSignal.timeout(50), timeout: 60_000 });
    await aborted.catch(() => undefined);`,
  'a body cancelled half way': `
    const response = await transport.request(origin + '/endless', { bodyTimeout: 60_000 });
    response.body.cancel();`,
  'a transport that was destroyed': `
    await transport.preconnect(origin);
    const lost = transport.request(origin + '/silent');
    transport.destroy();
    await lost.catch(() => undefined);`,
  'a transport that was closed': `
    await (await transport.request(origin + '/hello.txt')).body.dump();
    await transport.close({ timeout: 60_000 });`,
};

for (const [what, script] of Object.entries(notWork)) {
  test(`${what}: nothing that keeps the process alive`, async (t) => {
    const { origin } = await originFor(t);
    endedWith(
      await runScript(`
        const origin = '${origin}';
        const transport = new Transport({ cleartext: 'h2c', maxConnectionAge: 60_000 });
        ${script}
        console.log('done');`),
      'done\n',
    );
  });
}

const delay = 300;

test('a request that is being answered keeps the process alive', async (t) => {
  const { origin } = await originFor(t);
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c' });
      console.log((await transport.request('${origin}/delay/${delay}')).status);`),
    '200\n',
  );
});

test('so does a body that is still arriving', async (t) => {
  const { origin } = await originFor(t, {
    handler: (_, response) => {
      response.write('begun, ');
      setTimeout(() => response.end('ended'), delay);
    },
  });
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c' });
      console.log(await (await transport.request('${origin}/')).body.text());`),
    'begun, ended\n',
  );
});

test('so does a request that waits for its turn', async (t) => {
  const { origin } = await originFor(t, { settings: { maxConcurrentStreams: 1 } });
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c', strictMaxConcurrentStreams: true });
      await transport.preconnect('${origin}');
      const first = await transport.request('${origin}/delay/${delay}');
      const second = transport.request('${origin}/delay/${delay}');
      await first.body.dump();
      console.log((await second).status);`),
    '200\n',
  );
});

test('so does a request that waits for its turn on one connection', async (t) => {
  const { origin } = await originFor(t, { settings: { maxConcurrentStreams: 1 } });
  endedWith(
    await runScript(`
      const connection = await new Transport({ cleartext: 'h2c' }).connect('${origin}');
      const first = connection.request('${origin}/delay/${delay}');
      const second = connection.request('${origin}/delay/${delay}');
      await (await first).body.dump();
      console.log((await second).status);`),
    '200\n',
  );
});

test('so does a request that waits to be sent again', async (t) => {
  const refused = 7;
  const server = await scripted(t, async (connection) => {
    await connection.greet();
    for (let attempt = 1; attempt <= 3; attempt++) {
      const { streamId } = await connection.request();
      if (attempt < 3) connection.rst(streamId, refused);
      else connection.headers(streamId, [[':status', '200']], { endStream: true });
    }
    await connection.ended;
  });
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c', retry: { baseDelay: ${delay} } });
      const { status, attempts } = await transport.request('${server.origin}/');
      console.log(status, attempts);`),
    '200 3\n',
  );
});

test('so does a request during its dial', async (t) => {
  const { port } = await originFor(t);
  endedWith(
    await runScript(`
      // What a lookup waits for is not ours to keep alive, so that here only the request can do it.
      const lookup = (_name, _options, found) =>
        void setTimeout(() => found(null, [{ address: '127.0.0.1', family: 4 }]), ${delay}).unref();
      const transport = new Transport({ cleartext: 'h2c', lookup });
      console.log((await transport.request('http://somewhere.test:${port}/hello.txt')).status);`),
    '200\n',
  );
});

test('so does a dial that somebody waits for, and no request', async (t) => {
  const { port } = await originFor(t);
  endedWith(
    await runScript(`
      const lookup = (_name, _options, found) =>
        void setTimeout(() => found(null, [{ address: '127.0.0.1', family: 4 }]), ${delay}).unref();
      const transport = new Transport({ cleartext: 'h2c', lookup });
      await transport.preconnect('http://somewhere.test:${port}');
      await transport.connect('http://elsewhere.test:${port}');
      console.log(transport.stats().connections);`),
    '1\n',
  );
});

test('so does a dial to a server that never says a word, until its time is up', async (t) => {
  const silent = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  endedWith(
    await runScript(`
      const transport = new Transport({ cleartext: 'h2c', connectTimeout: ${delay} });
      for (const call of [
        () => transport.request('http://127.0.0.1:${port}/'),
        () => transport.request('http://127.0.0.1:${port}/', { method: 'POST', body: (async function* () {})() }),
        () => transport.preconnect('http://127.0.0.1:${port}'),
        () => transport.connect('http://127.0.0.1:${port}'),
        () => transport.request('https://127.0.0.1:${port}/'),
        () => transport.connect('https://127.0.0.1:${port}'),
      ])
        await call().catch((error) => console.log(error.code, error.name));`),
    'ERR_PASSINGLANE_CONNECT_TIMEOUT TimeoutError\n'.repeat(6),
  );
});

test('but not a connection in the making that nobody waits for any more', async (t) => {
  for (const tls of [false, true]) {
    const { port, ca } = await originFor(t, { tls, settings: { maxConcurrentStreams: 1 } });
    let accepted = 0;
    const door = createServer((socket) => {
      socket.on('error', () => undefined);
      if (++accepted > 1) return; // only the first gets through, and all others hear nothing
      const inside = connect(port, '127.0.0.1');
      socket.pipe(inside).pipe(socket);
      inside.on('error', () => socket.destroy());
      socket.on('close', () => inside.destroy());
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    const origin = `${tls ? 'https' : 'http'}://127.0.0.1:${(door.address() as { port: number }).port}`;
    const result = await runScript(`
      const transport = new Transport({
        cleartext: 'h2c',
        connectTimeout: 60_000,
        stallTimeout: 60_000, // or a third is begun, around the silent one
        tls: { ca: ${JSON.stringify(ca ?? '')} || undefined },
      });
      await transport.preconnect('${origin}');
      // What has such a body waits for the SETTINGS, and so for whichever connection can take it first.
      const body = () => (async function* () { yield 'x'; })();
      const calls = [1, 2].map(() => transport.request('${origin}/delay/${delay}', { method: 'POST', body: body() }));
      for (const call of calls) await (await call).body.dump();
      console.log('done');`);
    door.close();
    endedWith(result, 'done\n');
    assert.equal(accepted, 2, 'a second connection was begun');
  }
});

test('so does a PING that is not answered yet', async (t) => {
  const server = await scripted(t, async (connection) => {
    connection.answerPings = false;
    await connection.greet();
    const { payload } = await connection.nextOf(type.ping);
    setTimeout(() => connection.ping(payload, { ack: true }), delay);
    await connection.ended;
  });
  endedWith(
    await runScript(`
      const connection = await new Transport({ cleartext: 'h2c' }).connect('${server.origin}');
      console.log(typeof (await connection.ping()));`),
    'number\n',
  );
});

// --- memory ---

/**
 * In scope of scripts: runs the garbage collector until `done()`, so that finalizers get their turn. A WeakRef that was
 * looked at holds its target for the rest of that turn of the event loop, so the collector runs in another.
 */
const collect = `
  async function collected(done) {
    for (let round = 0; round < 200; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (done()) return true;
    }
    return false;
  }`;

test('a response that its user has dropped unread is cancelled and holds nothing', async (t) => {
  const server = await scripted(t, async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, Buffer.alloc(10_000));
    assert.equal(await resetCode(connection, streamId), cancel);
    await connection.ended;
  });
  endedWith(
    await runScript(
      `${collect}
      const transport = new Transport({ cleartext: 'h2c' });
      async function drop() {
        const response = await transport.request('${server.origin}/');
        response.trailers;
        while (transport.stats().bufferedBytes < 10_000) await new Promise(setImmediate);
      }
      await drop();
      console.log(await collected(() => transport.stats().streams === 0), transport.stats().bufferedBytes);`,
      { flags: ['--expose-gc'] },
    ),
    'true 0\n',
  );
});

test('a response that came whole and was dropped unread holds nothing', async (t) => {
  const sizes = [...Array.from({ length: 30 }, () => 1_000), ...Array.from({ length: 30 }, () => 16_000)];
  const server = await scripted(t, async (connection) => {
    await connection.greet();
    for (const size of sizes) {
      const { streamId } = await connection.request();
      connection.socket.cork();
      connection.headers(streamId, [[':status', '200']]);
      connection.data(streamId, Buffer.alloc(size), { endStream: true });
      connection.socket.uncork();
    }
    await connection.ended;
  });
  endedWith(
    await runScript(
      `${collect}
      const transport = new Transport({ cleartext: 'h2c' });
      const drop = async () => void (await transport.request('${server.origin}/')).status;
      for (let i = 0; i < ${sizes.length}; i++) await drop();
      console.log(await collected(() => transport.stats().bufferedBytes === 0), transport.stats().streams);`,
      { flags: ['--expose-gc'] },
    ),
    'true 0\n',
  );
});

test('a body that is being read is not taken for dropped', async (t) => {
  const { origin } = await originFor(t, {
    handler: (_, response) => {
      let pieces = 0;
      const timer = setInterval(() => {
        response.write('x');
        if (++pieces < 40) return;
        clearInterval(timer);
        response.end();
      }, 5);
    },
  });
  endedWith(
    await runScript(
      `
      const transport = new Transport({ cleartext: 'h2c' });
      const timer = setInterval(globalThis.gc, 1);
      const body = async () => (await transport.request('${origin}/')).body;
      const readable = async () => (await body()).readable().setEncoding('utf8');
      const iterate = async (chunks) => {
        let text = '';
        for await (const chunk of chunks) text += typeof chunk === 'string' ? chunk : Buffer.from(chunk);
        return text;
      };
      const texts = await Promise.all([
        body().then((one) => one.text()),
        body().then((one) => iterate(one)),
        body().then((one) => iterate(one.borrow())),
        body().then((one) => iterate(one.stream())),
        readable().then(iterate),
      ]);
      clearInterval(timer);
      console.log(texts.map((text) => text.length).join());`,
      { flags: ['--expose-gc'] },
    ),
    '40,40,40,40,40\n',
  );
});

test('a connection keeps nothing of the context that its first request came from', async (t) => {
  for (const tls of [false, true]) {
    const { origin, ca } = await originFor(t, { tls });
    const result = await runScript(
      `${collect}
      import { AsyncLocalStorage } from 'node:async_hooks';
      const storage = new AsyncLocalStorage();
      const transport = new Transport({ cleartext: 'h2c', tls: { ca: ${JSON.stringify(ca ?? '')} || undefined } });
      // Async, so that no promise made within the context is left behind here.
      async function first() {
        const store = { name: 'of the first request' };
        await storage.run(store, async () => {
          const options = {
            method: 'POST',
            body: (async function* () { yield 'piece'; })(),
            onInformational() {},
            timeout: 60_000,
            signal: new AbortController().signal,
          };
          await (await transport.request('${origin}/echo', options)).body.text();
        });
        return new WeakRef(store);
      }
      const weak = await first();
      console.log(await collected(() => weak.deref() === undefined), transport.stats().connections);`,
      { flags: ['--expose-gc'] },
    );
    endedWith(result, 'true 1\n');
  }
});

test('one signal for a thousand requests gathers no listeners', async (t) => {
  const { origin } = await originFor(t);
  endedWith(
    await runScript(`
      import { getEventListeners } from 'node:events';
      const transport = new Transport({ cleartext: 'h2c' });
      const { signal } = new AbortController();
      const one = async () => (await transport.request('${origin}/hello.txt', { signal })).body.dump();
      for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 100 }, one));
      console.log(getEventListeners(signal, 'abort').length);`),
    '0\n',
  );
});

// --- async contexts ---

const storage = new AsyncLocalStorage<string>();

/** A body whose iterator notes in which context it is called. */
function tellingBody(seen: string[], pieces: number): AsyncIterable<string> {
  const note = (call: string): void => void seen.push(`${call} in ${storage.getStore()}`);
  return {
    [Symbol.asyncIterator]() {
      let given = 0;
      return {
        next() {
          note('next');
          return Promise.resolve(given++ < pieces ? { done: false, value: 'piece' } : { done: true, value: undefined });
        },
        return() {
          note('return');
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

test("callbacks run in their request's async context, also when another's made the connection", async (t) => {
  const { origin } = await originFor(t, {
    handler: (request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      request.resume().on('end', () => response.end());
    },
  });
  const transport = transportFor(t);
  const call = async (name: string, seen: string[]): Promise<void> => {
    const response = await transport.request(`${origin}/`, {
      method: 'POST',
      body: () => {
        seen.push(`body in ${storage.getStore()}`);
        return tellingBody(seen, 2);
      },
      trailers: () => {
        seen.push(`trailers in ${storage.getStore()}`);
        return {};
      },
      onInformational: () => void seen.push(`onInformational in ${storage.getStore()}`),
    });
    seen.push(`after in ${storage.getStore()}`);
    await response.body.dump();
    assert.equal(storage.getStore(), name);
  };
  const expected = (name: string): string[] =>
    ['body', 'next', 'next', 'next', 'trailers', 'onInformational', 'after'].map((what) => `${what} in ${name}`).sort();
  for (const name of ['first', 'second']) {
    const seen: string[] = [];
    await storage.run(name, call, name, seen);
    assert.deepEqual(seen.sort(), expected(name));
  }
  const seen: Record<string, string[]> = { a: [], b: [] };
  await Promise.all(Object.entries(seen).map(([name, calls]) => storage.run(name, call, name, calls)));
  for (const [name, calls] of Object.entries(seen)) assert.deepEqual(calls.sort(), expected(name), 'at the same time');
});

test("a body's return() is called in its request's context, once, whoever ends the request", async (t) => {
  const { origin } = await originFor(t);
  const enders: Readonly<Record<string, (controller: AbortController, transport: Transport) => void>> = {
    'its signal': (controller) => controller.abort(new Error('enough')),
    'the transport': (_, transport) => transport.destroy(),
  };
  for (const [who, end] of Object.entries(enders)) {
    const transport = transportFor(t);
    const seen: string[] = [];
    const controller = new AbortController();
    const body = tellingBody(seen, Infinity);
    const { signal } = controller;
    const lost = storage.run('request', () => transport.request(`${origin}/silent`, { method: 'POST', body, signal }));
    while (seen.length < 3) await new Promise(setImmediate);
    storage.run('somebody else', end, controller, transport);
    await assert.rejects(lost);
    await new Promise(setImmediate);
    assert.deepEqual([...new Set(seen)], ['next in request', 'return in request'], who);
    assert.equal(seen.filter((call) => call.startsWith('return')).length, 1, who);
  }
});

test("a body that is closed unsent is closed in its request's context, and not within the call that ended it", async (t) => {
  const transport = transportFor(t, { lookup: () => undefined });
  const seen: string[] = [];
  const body = Object.assign(tellingBody(seen, 1), {
    return() {
      seen.push(`closed in ${storage.getStore()}`);
      return Promise.resolve({ done: true, value: undefined });
    },
  });
  const controller = new AbortController();
  const { signal } = controller;
  const lost = storage.run('request', () =>
    transport.request('http://somewhere.test/', { method: 'POST', body, signal }),
  );
  storage.run('somebody else', () => controller.abort(new Error('enough')));
  assert.deepEqual(seen, []);
  await assert.rejects(lost, /enough/);
  await new Promise(setImmediate);
  assert.deepEqual(seen, ['closed in request']);
});

// --- leaving early ---

test('leaving the loop over a body cancels the rest', async (t) => {
  const resets: Promise<number>[] = [];
  const server = await scripted(t, async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'first');
    resets.push(resetCode(connection, streamId));
    await connection.ended;
  });
  const transport = transportFor(t);
  const response = await transport.request(server.origin);
  for await (const chunk of response.body) {
    assert.equal(Buffer.from(chunk).toString(), 'first');
    break;
  }
  assert.equal(await resets[0], cancel);
  await assert.rejects(response.trailers, { code: 'ERR_PASSINGLANE_BODY_CANCELLED' });
  await assert.rejects(response.body.text(), { code: 'ERR_PASSINGLANE_BODY_CANCELLED' });
  assert.equal(transport.stats().streams, 0);
});

const leavings: Readonly<Record<string, (response: Awaited<ReturnType<Transport['request']>>) => unknown>> = {
  'cancel()': (response) => response.body.cancel(),
  asyncDispose: (response) => response[Symbol.asyncDispose](),
  'stream().cancel()': (response) => response.body.stream().cancel(),
  'readable().destroy()': (response) => response.body.readable().destroy(),
  'borrow().return()': (response) => response.body.borrow().return?.(),
};

for (const [what, leave] of Object.entries(leavings)) {
  test(`${what} cancels the rest`, async (t) => {
    const closed: Promise<number | undefined>[] = [];
    const { origin } = await originFor(t, {
      handler: (_, response) => {
        response.write('begin');
        const { stream } = response as unknown as { stream: ServerHttp2Stream };
        closed.push(once(stream, 'close').then(() => stream.rstCode));
      },
    });
    const transport = transportFor(t);
    await leave(await transport.request(`${origin}/`));
    assert.equal(await closed[0], cancel);
    assert.equal(transport.stats().bufferedBytes, 0);
  });
}

test('close({ timeout }) ends beside an endless stream, which fails', async (t) => {
  const { origin } = await originFor(t);
  const transport = new Transport({ cleartext: 'h2c' });
  const endless = await transport.request(`${origin}/endless`);
  const silent = transport.request(`${origin}/silent`);
  const failed = assert.rejects(silent, { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  await transport.close({ timeout: 50 });
  await assert.rejects(endless.body.text(), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED', initiator: 'user' });
  await failed;
  assert.equal(transport.stats().connections, 0);
  await assert.rejects(transport.request(`${origin}/hello.txt`), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
});

test('close() lets requests under way and waiting finish, and takes no new ones', async (t) => {
  const { origin } = await originFor(t, { settings: { maxConcurrentStreams: 1 } });
  const transport = transportFor(t, { strictMaxConcurrentStreams: true });
  await transport.preconnect(origin);
  const calls = [transport.request(`${origin}/delay/50`), transport.request(`${origin}/delay/50`)];
  const closing = transport.close();
  await assert.rejects(transport.request(`${origin}/hello.txt`), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  for (const call of calls) assert.equal(await (await call).body.text(), 'hello\n');
  await closing;
  assert.deepEqual(transport.stats().origins, []);
});

test('close() of a transport that was never used, or is closed already, resolves', async () => {
  const transport = new Transport();
  await transport.close();
  await transport.close({ timeout: 1 });
  await transport[Symbol.asyncDispose]();
});

test("close() rejects with its signal's reason, and goes on closing", async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const call = await transport.request(`${origin}/endless`);
  const controller = new AbortController();
  const closing = transport.close({ signal: controller.signal });
  controller.abort(new Error('no patience'));
  await assert.rejects(closing, /no patience/);
  call.body.cancel();
  await transport.close();
  assert.equal(transport.stats().connections, 0);
});

test('close() waits for a connection that is still being made', async (t) => {
  const { origin } = await originFor(t);
  const transport = transportFor(t);
  const made = assert.rejects(transport.preconnect(origin), { code: 'ERR_PASSINGLANE_TRANSPORT_CLOSED' });
  const closing = transport.close();
  await made;
  await closing;
  assert.equal(transport.stats().connections, 0);
});

// --- failures stay where they belong ---

/** In a turn of its own: Node 20 dies of a TLS socket that is reset from within its own events. */
async function reset(connection: RawConnection): Promise<void> {
  await new Promise(setImmediate);
  connection.reset();
}

const stages: Readonly<Record<string, Script>> = {
  'as soon as it has accepted': (connection) => reset(connection),
  'after the preface': async (connection) => {
    await connection.expectPreface();
    await reset(connection);
  },
  'after SETTINGS': async (connection) => {
    await connection.greet();
    await reset(connection);
  },
  'after the request': async (connection) => {
    await connection.greet();
    await connection.request();
    await reset(connection);
  },
  'after the response headers': async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    await connection.nextOf(type.data);
    await reset(connection);
  },
  'in the body': async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'part');
    await connection.nextOf(type.data);
    await reset(connection);
  },
  'after the response': async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']]);
    connection.data(streamId, 'whole', { endStream: true });
    await connection.nextOf(type.data);
    await reset(connection);
  },
  'with half a frame': async (connection) => {
    await connection.greet();
    const { streamId } = await connection.request();
    connection.headers(streamId, [[':status', '200']], { endHeaders: false });
    await reset(connection);
  },
};

for (const [when, script] of Object.entries(stages)) {
  for (const tls of [false, true]) {
    test(`a server that resets ${when}${tls ? ', over TLS' : ''}, leaves no error without an owner`, async (t) => {
      const server = await rawServer(script, { tls });
      t.after(() => server.close());
      const result = await runScript(`
        const escaped = [];
        for (const event of ['uncaughtException', 'unhandledRejection'])
          process.on(event, (error) => void escaped.push(event + ': ' + error.stack));
        const origin = '${server.origin}';
        const tls = { ca: ${JSON.stringify(server.ca ?? '')} || undefined };
        const transport = new Transport({ cleartext: 'h2c', tls, retry: { maxAttempts: 2, baseDelay: 1 } });
        async function* endless() {
          for (;;) {
            yield 'piece';
            await new Promise((resolve) => setTimeout(resolve, 1).unref());
          }
        }
        const told = [];
        const report = (error) => void told.push(TransportError.isInstance(error) ? error.scope : error);
        const whole = transport.request(origin).then((response) => response.body.text()).catch(report);
        const upload = { method: 'POST', body: endless(), trailers: async () => ({ late: 'yes' }) };
        await transport.request(origin, upload).then((response) => void response.trailers, report);
        await whole;
        await transport.connect(origin).then(async (connection) => {
          const call = connection.request(origin, { ...upload, body: endless() });
          await Promise.all([
            call.then((response) => response.body.dump()).catch(report),
            connection.ping().catch(report),
            connection.shutdown().catch(report),
          ]);
        }, report);
        transport.destroy();
        await new Promise((resolve) => setTimeout(resolve, 20));
        console.log(escaped.join(), told.filter((one) => typeof one !== 'string'));`);
      endedWith(result, ' []\n');
    });
  }
}

test('cancelled responses are forgotten: the heap stays flat', async () => {
  const origin = await startOrigin({ handler: (_, response) => response.end('x'.repeat(3_000)) });
  const { code, stdout, stderr } = await runScript(
    `
    const transport = new Transport({ cleartext: 'h2c' });
    const heaps = [];
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) {
        await Promise.all(Array.from({ length: 100 }, async () => (await transport.request('${origin.origin}/')).body.cancel()));
      }
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc();
      }
      heaps.push(process.memoryUsage().heapUsed);
    }
    console.log(heaps[2] - heaps[1] < 1_000_000);
    await transport.close();
  `,
    { flags: ['--expose-gc'] },
  );
  await origin.close();
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'true\n', stderr: '' });
});
