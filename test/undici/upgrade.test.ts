/** Undici's WebSocket, and Node's own, by the handshake of HTTP/1.1 (RFC 6455), where there is no extended CONNECT. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { H2Dispatcher, install, uninstall } from '../../dist/undici/index.js';
import { eventually } from '../http1/support.js';
import { loopback } from '../support/certificates.js';
import { proxyKinds, startProxy } from '../support/proxies.js';
import { accepting, converse, echo, startWebSockets, textFrames, wires, type Wire } from '../support/websocket.js';
import { versions } from './undicis.js';

interface Place {
  readonly transport: Transport;
  readonly dispatcher: H2Dispatcher;
}

/** A dispatcher over a transport that the test can look into; both end with it. */
function placeFor(t: TestContext, options: TransportOptions = {}): Place {
  const transport = new Transport({ tls: { ca: loopback.cert }, ...options });
  t.after(() => {
    transport.destroy();
  });
  return { transport, dispatcher: new H2Dispatcher(transport) };
}

/** What ALPN comes to on the connection that carries the WebSocket. */
const chosen: Readonly<Record<Wire, readonly (string | false)[]>> = {
  http: [false],
  https: ['http/1.1'],
  'https with h2': ['h2', 'http/1.1'],
};

for (const version of versions) {
  const { name, skip } = version;

  for (const wire of wires) {
    test(`${name}: a WebSocket to ${wire} opens, talks and closes by an upgrade`, { skip }, async (t) => {
      const server = await startWebSockets(t, wire);
      const { transport, dispatcher } = placeFor(t);
      const { WebSocket } = await version.load();
      const socket = new WebSocket(`${server.url}/chat`, { dispatcher, protocols: ['chat'] });
      await converse(socket as unknown as globalThis.WebSocket);
      assert.deepEqual(server.handshakes, ['GET websocket /chat']);
      assert.deepEqual(server.protocols, chosen[wire]);
      await eventually(() => transport.stats().streams === 0);
      transport.closeIdleConnections();
      await eventually(() => transport.stats().connections === 0 && server.open.size === 0);
      const { requests, failed } = transport.stats().totals;
      assert.deepEqual([requests, failed], [1, 0]);
    });

    test(
      `${name}: a WebSocket to ${wire} that is not accepted fails at once, and leaves nothing`,
      { skip },
      async (t) => {
        const server = await startWebSockets(t, wire);
        const { transport, dispatcher } = placeFor(t);
        const { WebSocket } = await version.load();
        for (const path of ['/refuse', '/ok', '/wrong', '/unasked', '/close']) {
          const socket = new WebSocket(server.url + path, { dispatcher });
          await once(socket as unknown as EventTarget, 'error');
          assert.notEqual(socket.readyState, 1, `${path}: open`);
          await eventually(() => transport.stats().streams === 0);
        }
        assert.equal(server.handshakes.length, 5, 'each was sent once');
        transport.closeIdleConnections();
        await eventually(() => transport.stats().connections === 0 && server.open.size === 0);
      },
    );
  }

  test(`${name}: requests over HTTP/2 go on beside a WebSocket of HTTP/1.1`, { skip }, async (t) => {
    const server = await startWebSockets(t, 'https with h2');
    const { transport, dispatcher } = placeFor(t);
    const undici = await version.load();
    const get = async (): Promise<string> => (await undici.request(server.origin, { dispatcher })).body.text();
    assert.equal(await get(), '2.0');
    const socket = new undici.WebSocket(server.url, { dispatcher });
    await once(socket as unknown as EventTarget, 'open');
    for (let i = 0; i < 10; i++) assert.equal(await get(), '2.0');
    assert.deepEqual(server.protocols, ['h2', 'http/1.1']);
    const { origins, connections } = transport.stats();
    assert.deepEqual([origins.length, connections], [1, 2]);
    const shown = origins[0]?.connections.map(({ httpVersion, state, streams }) => [httpVersion, state, streams]);
    assert.deepEqual(shown, [
      ['2.0', 'idle', 0],
      ['1.1', 'draining', 1],
    ]);
    const again = new undici.WebSocket(server.url, { dispatcher });
    await once(again as unknown as EventTarget, 'open');
    assert.deepEqual(server.protocols, ['h2', 'http/1.1', 'http/1.1']);
  });

  test(`${name}: upgrade gives the stream, with what came right behind the head`, { skip }, async (t) => {
    const early = textFrames(...Array.from({ length: 10 }, (_, i) => String(i).repeat(20_000)));
    for (const wire of wires) {
      const server = await startWebSockets(t, wire, (request, socket) => {
        socket.write(Buffer.concat([Buffer.from(accepting(request)), early]));
        echo(socket);
      });
      const { dispatcher } = placeFor(t);
      const undici = await version.load();
      const headers = { 'sec-websocket-protocol': 'chat' };
      const upgraded = await undici.upgrade(server.origin, { dispatcher, protocol: 'websocket', headers });
      assert.equal(upgraded.headers['sec-websocket-protocol'], 'chat');
      assert.equal(upgraded.headers['upgrade'], 'websocket');
      const { socket } = upgraded;
      const take = async (length: number): Promise<Buffer> => {
        let taken = Buffer.alloc(0);
        while (taken.length < length) {
          await once(socket, 'readable');
          for (let one: Buffer | null; (one = socket.read() as Buffer | null) !== null;)
            taken = Buffer.concat([taken, one]);
        }
        return taken;
      };
      assert.deepEqual(await take(early.length), early);
      socket.write(Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69)); // a text with an empty mask
      assert.deepEqual([...(await take(4))], [0x81, 2, 0x68, 0x69]);
      socket.destroy();
      await eventually(() => server.open.size === (wire === 'https with h2' ? 1 : 0));
      await assert.rejects(undici.upgrade(`${server.origin}/`, { dispatcher, protocol: 'other' }), {
        code: 'UND_ERR_INVALID_ARG',
      });
    }
  });

  test(`${name}: an abort during the handshake ends it, and its connection`, { skip }, async (t) => {
    const undici = await version.load();
    for (const wire of wires) {
      const server = await startWebSockets(t, wire);
      const { transport, dispatcher } = placeFor(t);
      const controller = new AbortController();
      const { signal } = controller;
      const call = undici.upgrade(`${server.origin}/silent`, { dispatcher, protocol: 'websocket', signal });
      await eventually(() => server.handshakes.length === 1);
      controller.abort(new Error('no more'));
      await assert.rejects(call, /no more/);
      await eventually(() => transport.stats().streams === 0);
      transport.closeIdleConnections();
      await eventually(() => server.open.size === 0);
    }
  });

  test(`${name}: a handshake that is never answered fails by headersTimeout, its default too`, { skip }, async (t) => {
    const undici = await version.load();
    for (const wire of wires) {
      const server = await startWebSockets(t, wire);
      const { dispatcher } = placeFor(t, { headersTimeout: 40 });
      const socket = new undici.WebSocket(`${server.url}/silent`, { dispatcher });
      await once(socket as unknown as EventTarget, 'error');
      await assert.rejects(undici.upgrade(`${server.origin}/silent`, { dispatcher, protocol: 'websocket' }), {
        code: 'UND_ERR_HEADERS_TIMEOUT',
      });
    }
  });
}

test(
  'Node\u2019s own WebSocket upgrades once installed',
  { skip: 'WebSocket' in globalThis ? false : 'this Node has no WebSocket' },
  async (t) => {
    install({ tls: { ca: loopback.cert } });
    t.after(uninstall);
    for (const wire of wires) {
      const server = await startWebSockets(t, wire);
      await converse(new WebSocket(`${server.url}/own`, 'chat'));
      assert.deepEqual(server.handshakes, ['GET websocket /own']);
      assert.deepEqual(server.protocols, chosen[wire]);
    }
  },
);

test('a WebSocket by an upgrade goes through proxies of each kind', async (t) => {
  for (const kind of proxyKinds) {
    for (const wire of wires) {
      const server = await startWebSockets(t, wire);
      const proxy = await startProxy(t, kind);
      const { dispatcher } = placeFor(t, { proxy: proxy.url });
      const { WebSocket } = await versions[1]!.load();
      const socket = new WebSocket(`${server.url}/chat`, { dispatcher, protocols: ['chat'] });
      await converse(socket as unknown as globalThis.WebSocket);
      assert.equal(proxy.asked.length, chosen[wire].length, `${wire} through ${kind}`);
    }
  }
});
