/** Origins without HTTP/2 stay with the dispatcher that was there, or that `http1` names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { disableNetwork, enableNetwork } from '../../dist/testing/index.js';
import {
  H2Dispatcher,
  install,
  uninstall,
  type DispatchHandler,
  type DispatchOptions,
} from '../../dist/undici/index.js';
import { loopback } from '../support/certificates.js';
import { listenFor } from '../support/listen.js';
import { startOrigin } from '../support/origin.js';
import { versions } from './undicis.js';

const symbols = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const;
const globals = globalThis as unknown as Record<symbol, { dispatch: H2Dispatcher['dispatch'] } | undefined>;

interface Http1Server {
  readonly url: string;
  readonly port: number;
  /** Connections so far. */
  readonly count: () => number;
}

async function serve(t: TestContext, server: Server): Promise<Http1Server> {
  let connections = 0;
  const secure = 'setSecureContext' in server;
  server.on(secure ? 'secureConnection' : 'connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http${secure ? 's' : ''}://127.0.0.1:${port}`, port, count: () => connections };
}

const large = 'x'.repeat(300_000);

const http1 = (t: TestContext): Promise<Http1Server> => {
  const server = createServer((request, response) => {
    if (request.url === '/endless') response.write('begun');
    else response.end(request.url === '/large' ? large : `HTTP/${request.httpVersion}`);
  });
  server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.pipe(socket);
  });
  return serve(t, server);
};

/** Remembers what it was asked for, and answers with 204. */
class Spy {
  readonly asked: string[] = [];
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean {
    this.asked.push(String(options.origin) + options.path);
    const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };
    if (handler.onRequestStart === undefined) {
      handler.onConnect?.(() => undefined);
      handler.onHeaders?.(204, [], () => undefined, '');
      handler.onComplete?.([]);
    } else {
      handler.onRequestStart(controller, {});
      handler.onResponseStart?.(controller, 204, {}, '');
      handler.onResponseEnd?.(controller, {});
    }
    return true;
  }
}

/** Puts these in the places of the global dispatchers for as long as the test runs. */
function place(t: TestContext, ...dispatchers: (Spy | undefined)[]): void {
  Reflect.get(globalThis, 'Response'); // loads Node's fetch, which sets its dispatcher
  const before = symbols.map((symbol) => globals[symbol]);
  for (const [at, symbol] of symbols.entries()) globals[symbol] = dispatchers[at];
  t.after(() => {
    uninstall();
    for (const [at, symbol] of symbols.entries()) globals[symbol] = before[at];
  });
}

/** Sends a GET through what stands at a symbol, and resolves with the status. */
function get(dispatcher: { dispatch: H2Dispatcher['dispatch'] } | undefined, origin: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const handler: DispatchHandler = {
      onRequestStart: () => undefined,
      onResponseStart: (_, status) => {
        resolve(status);
      },
      onResponseError: (_, error) => {
        reject(error);
      },
    };
    dispatcher?.dispatch({ origin, path: '/', method: 'GET' }, handler);
  });
}

test('installed, each symbol gives http: origins to the dispatcher that it had, and HTTP/2 ones to ours', async (t) => {
  const [first, second] = [new Spy(), new Spy()];
  place(t, first, second);
  install();
  assert.equal(await get(globals[symbols[0]], 'http://one.test'), 204);
  assert.equal(await get(globals[symbols[1]], 'http://two.test'), 204);
  assert.deepEqual([first.asked, second.asked], [['http://one.test/'], ['http://two.test/']]);
  uninstall();
  assert.deepEqual([globals[symbols[0]], globals[symbols[1]]], [first, second], 'each is back in its place');
});

test('installed again, it still leaves http: origins to what was there first', async (t) => {
  const spy = new Spy();
  place(t, spy, spy);
  install();
  install();
  assert.equal(await get(globals[symbols[0]], 'http://one.test'), 204);
  assert.equal(spy.asked.length, 1);
});

test('where no dispatcher was, where an option says how to connect, and for h2c, http: origins are ours', async (t) => {
  const server = await http1(t);
  const spy = new Spy();
  place(t, spy, undefined);
  install();
  assert.equal(await get(globals[symbols[1]], server.url), 200, 'nothing was there');
  for (const options of [{ tls: { minVersion: 'TLSv1.3' } }, { keepAlive: true }, { connectTimeout: 5_000 }] as const) {
    install(options);
    assert.equal(await get(globals[symbols[0]], server.url), 200, JSON.stringify(options));
  }
  const origin = await startOrigin();
  t.after(() => origin.close());
  install({ cleartext: 'h2c' });
  assert.equal(await get(globals[symbols[0]], origin.origin), 404);
  assert.deepEqual(spy.asked, []);
});

test('with the network disabled, an installed dispatcher hands nothing on', async (t) => {
  const spy = new Spy();
  place(t, spy, spy);
  install();
  disableNetwork();
  t.after(enableNetwork);
  await assert.rejects(get(globals[symbols[0]], 'http://one.test'), /disableNetwork/);
  assert.deepEqual(spy.asked, []);
});

test('a server that chooses HTTP/1.1 sees one handshake of ours, and then the other dispatcher', async (t) => {
  const { Agent } = (await import('undici-7')).default;
  const server = await serve(
    t,
    createSecureServer({ ...loopback, ALPNProtocols: ['http/1.1'] }, (_, response) => response.end('there')),
  );
  const agent = new Agent({ connections: 1, connect: { ca: loopback.cert } });
  const dispatcher = new H2Dispatcher({ tls: { ca: loopback.cert }, http1: agent });
  t.after(() => Promise.all([agent.destroy(), dispatcher.destroy()]));
  const ask = async (): Promise<string> => {
    const { body } = await dispatcher.request({ origin: server.url, path: '/', method: 'POST', body: 'sent' });
    return body.text();
  };
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), ['there', 'there', 'there']);
  assert.equal(await ask(), 'there');
  assert.equal(server.count(), 2);
  assert.equal(Object.keys(agent.stats).length, 1, 'the other dispatcher has the origin');
});

test('an origin with HTTP/2 is ours, over the connection that told', async (t) => {
  const origin = await startOrigin({ tls: true });
  const spy = new Spy();
  const dispatcher = new H2Dispatcher({ tls: { ca: origin.ca }, http1: spy });
  t.after(() => Promise.all([dispatcher.destroy(), origin.close()]));
  const statuses = [await get(dispatcher, origin.origin), await get(dispatcher, origin.origin)];
  assert.deepEqual(statuses, [404, 404]);
  assert.equal(origin.sessionCount, 1);
  assert.deepEqual(spy.asked, []);
});

test('a server that is not there ends each request with its own error, and the dispatcher closes', async () => {
  const dispatcher = new H2Dispatcher({ http1: new Spy() });
  const asked = [1, 2].map((n) => dispatcher.request({ origin: 'https://127.0.0.1:1', path: `/${n}`, method: 'GET' }));
  const closed = dispatcher.close();
  for (const [at, one] of asked.entries())
    await assert.rejects(one, (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ECONNREFUSED');
      assert.match(error.message, new RegExp(`^GET https://127\\.0\\.0\\.1:1/${at + 1}: `));
      return true;
    });
  await closed;
});

test('http1 must be a dispatcher', () => {
  assert.throws(() => new H2Dispatcher({ http1: {} as Spy }), { code: 'UND_ERR_INVALID_ARG' });
});

/** What a handler of either kind is told, and how it steers. */
interface Steered {
  readonly handler: DispatchHandler;
  readonly abort: () => void;
  readonly resume: () => void;
  readonly ended: Promise<string>;
  readonly paused: Promise<void>;
  readonly socket: Promise<NodeJS.ReadWriteStream>;
}

/** A handler that pauses at the headers. */
function steered(kind: 'legacy' | 'current'): Steered {
  let text = '';
  let abort = (): void => undefined;
  let resume = (): void => undefined;
  const settle: {
    end?: (text: string) => void;
    fail?: (error: Error) => void;
    pause?: () => void;
    up?: (s: never) => void;
  } = {};
  const ended = new Promise<string>((resolve, reject) => {
    settle.end = resolve;
    settle.fail = reject;
  });
  const paused = new Promise<void>((resolve) => (settle.pause = resolve));
  const socket = new Promise<NodeJS.ReadWriteStream>((resolve) => (settle.up = resolve));
  const handler: DispatchHandler =
    kind === 'legacy'
      ? {
          onConnect: (given) => (abort = given),
          onHeaders: (_status, _headers, given) => {
            resume = given;
            settle.pause?.();
            return false;
          },
          onData: (chunk) => ((text += String(chunk)), true),
          onComplete: () => settle.end?.(text),
          onUpgrade: (_status, _headers, given) => settle.up?.(given as never),
          onError: (error) => settle.fail?.(error),
        }
      : {
          onRequestStart: (controller) => {
            abort = () => {
              controller.abort(new Error('enough'));
            };
          },
          onResponseStart: (controller) => {
            resume = () => {
              controller.resume();
            };
            controller.pause();
            settle.pause?.();
          },
          onResponseData: (_, chunk) => void (text += String(chunk)),
          onResponseEnd: () => settle.end?.(text),
          onRequestUpgrade: (_controller, _status, _headers, given) => settle.up?.(given as never),
          onResponseError: (_, error) => settle.fail?.(error),
        };
  return { handler, abort: () => { abort(); }, resume: () => { resume(); }, ended, paused, socket }; // prettier-ignore
}

for (const { name, skip, load } of versions) {
  for (const kind of ['legacy', 'current'] as const) {
    test(`${name} as http1: a ${kind} handler pauses, aborts and upgrades`, { skip }, async (t) => {
      const { Agent } = await load();
      const server = await http1(t);
      const agent = new Agent();
      const dispatcher = new H2Dispatcher({ http1: agent });
      t.after(() => Promise.all([agent.destroy(), dispatcher.destroy()]));
      const send = (path: string, more: object = {}): Steered => {
        const one = steered(kind);
        dispatcher.dispatch({ origin: server.url, path, method: 'GET', ...more }, one.handler);
        return one;
      };
      const paused = send('/large');
      await paused.paused;
      paused.resume();
      assert.equal((await paused.ended).length, large.length);
      const aborted = send('/endless');
      await aborted.paused;
      aborted.abort();
      await assert.rejects(aborted.ended);
      const socket = await send('/', { upgrade: 'websocket' }).socket;
      socket.write('ping');
      const [echoed] = (await once(socket, 'data')) as [Buffer];
      assert.equal(String(echoed), 'ping');
      socket.end();
    });
  }
}

test('an abort ends a call that waits to learn what its origin speaks', async (t) => {
  const open = new Set<Socket>();
  const frozen = createTcpServer((socket) => open.add(socket));
  const accepted = once(frozen, 'connection');
  const port = await listenFor(t, frozen, open);
  const dispatcher = new H2Dispatcher({ http1: new Spy(), connectTimeout: 2_000 });
  t.after(() => dispatcher.destroy());
  const controller = new AbortController();
  const { signal } = controller;
  const asking = dispatcher.request({ origin: `https://127.0.0.1:${port}`, path: '/', method: 'GET', signal });
  await accepted;
  const mine = new Error('enough');
  controller.abort(mine);
  await assert.rejects(asking, mine);
});
