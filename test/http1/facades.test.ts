/** What only HTTP/1.1 has, status texts and `connection: close`, through every way to send a request. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { Transport } from '../../dist/index.js';
import { createRequest } from '../../dist/http/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startOrigin } from '../support/origin.js';
import { versions } from '../undici/undicis.js';
import { httpOrigin, rawOrigin, transportFor, type Http1Origin } from './support.js';

type Fields = Record<string, string>;

/** What a caller saw of the answer: its status text where the facade has one, and its body. */
interface Seen {
  readonly statusText?: string;
  readonly body: string;
}

type Facade = (transport: Transport, url: string, headers?: Fields) => Promise<Seen>;

const facades: Readonly<Record<string, Facade>> = {
  request: async (transport, url, headers = {}) => ({
    body: await (await transport.request(url, { headers })).body.text(),
  }),
  fetch: async (transport, url, headers = {}) => {
    const response = await transport.fetch(url, { headers });
    return { statusText: response.statusText, body: await response.text() };
  },
  'passinglane/http': async (transport, url, headers = {}) => {
    const request = createRequest(transport).request(url, { headers }).end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { statusText: response.statusMessage ?? '', body: await text(response) };
  },
  "the dispatcher's request": async (transport, url, headers = {}) => {
    const { origin, pathname: path } = new URL(url);
    const response = await new H2Dispatcher(transport).request({ origin, path, method: 'GET', headers });
    return { statusText: response.statusText, body: await response.body.text() };
  },
  'a handler of the older kind': (transport, url, headers = {}) =>
    new Promise((resolve, reject) => {
      const { origin, pathname: path } = new URL(url);
      const seen = { statusText: '', body: '' };
      new H2Dispatcher(transport).dispatch(
        { origin, path, method: 'GET', headers },
        {
          onConnect: () => undefined,
          onHeaders: (_status, _headers, _resume, statusText) => {
            seen.statusText = statusText;
            return true;
          },
          onData: (chunk) => {
            seen.body += String(chunk);
            return true;
          },
          onComplete: () => resolve(seen),
          onError: reject,
        },
      );
    }),
};

for (const [name, send] of Object.entries(facades)) {
  if (name !== 'request')
    test(`${name} has the status text of HTTP/1.1, also an empty one`, async (t) => {
      const server = await httpOrigin(t, (_, response) => {
        response.statusMessage = 'Fine by me';
        response.end('body');
      });
      const transport = transportFor(t);
      assert.deepEqual(await send(transport, `${server.origin}/`), { statusText: 'Fine by me', body: 'body' });
      const bare = await rawOrigin(t, async (peer) => {
        await peer.request();
        peer.write('HTTP/1.1 200 \nContent-Length: 4\n\nbody');
      });
      assert.deepEqual(await send(transport, `${bare.origin}/`), { statusText: '', body: 'body' });
    });

  test(`${name} sends connection: close in HTTP/1.1, and its connection carries nothing more`, async (t) => {
    const server = await echoing(t);
    const transport = transportFor(t, { maxConnectionsPerOrigin: 1 });
    const bodies: string[] = [];
    for (const headers of [{}, { Connection: 'Close' }, { connection: 'close' }, {}, { connection: 'keep-alive' }])
      bodies.push((await send(transport, `${server.origin}/`, headers)).body);
    assert.deepEqual(bodies, ['1 keep-alive', '1 close', '2 close', '3 keep-alive', '3 keep-alive']);
  });

  test(`${name} leaves connection: close out in HTTP/2, and keeps its connection`, async (t) => {
    const seen: unknown[] = [];
    const origin = await startOrigin({
      handler: (request, response) => {
        seen.push(request.headers.connection);
        response.end('body');
      },
    });
    t.after(() => origin.close());
    const transport = transportFor(t, { cleartext: 'h2c' });
    for (let i = 0; i < 2; i++) await send(transport, `${origin.origin}/`, { connection: 'close' });
    assert.deepEqual([seen, origin.sessionCount], [[undefined, undefined], 1]);
  });
}

/**
 * Answers with the number of the connection and what `connection` said, and keeps the connection whatever that was, as
 * a server that has never heard of it.
 */
function echoing(t: TestContext): Promise<Http1Origin> {
  return rawOrigin(t, async (peer, index) => {
    for (;;) {
      const said = /^connection: (.*)\r$/im.exec(await peer.request())?.[1] ?? 'nothing';
      const body = `${index + 1} ${said}`;
      peer.write(`HTTP/1.1 200 OK\nContent-Length: ${body.length}\n\n${body}`);
    }
  });
}

for (const version of versions) {
  test(`${version.name}: the option reset ends the connection after its request`, { skip: version.skip }, async (t) => {
    const undici = await version.load();
    const server = await echoing(t);
    const dispatcher = new H2Dispatcher();
    t.after(() => dispatcher.destroy());
    const bodies: string[] = [];
    for (const options of [{ reset: true }, { reset: true, headers: { connection: 'close' } }, { reset: false }, {}]) {
      const { body } = await undici.request(server.origin, { dispatcher, ...options });
      bodies.push(await body.text());
    }
    assert.deepEqual(bodies, ['1 close', '2 close', '3 keep-alive', '3 keep-alive']);
  });

  test(`${version.name}: fetch over the dispatcher has the status text`, { skip: version.skip }, async (t) => {
    const undici = await version.load();
    const server = await httpOrigin(t, (_, response) => {
      response.statusMessage = 'Fine by me';
      response.end();
    });
    const dispatcher = new H2Dispatcher();
    t.after(() => dispatcher.destroy());
    assert.equal((await undici.fetch(server.origin, { dispatcher })).statusText, 'Fine by me');
  });
}

test('what a diagnostics channel hears of a response has its status text', async (t) => {
  const server = await httpOrigin(t, (_, response) => {
    response.statusMessage = 'Fine by me';
    response.end();
  });
  const texts: string[] = [];
  const listener = (message: unknown): void => {
    texts.push((message as { response: { statusText: string } }).response.statusText);
  };
  subscribe('undici:request:headers', listener);
  t.after(() => void unsubscribe('undici:request:headers', listener));
  const dispatcher = new H2Dispatcher();
  t.after(() => dispatcher.destroy());
  await (await dispatcher.request({ origin: server.origin, path: '/', method: 'GET' })).body.dump();
  assert.deepEqual(texts, ['Fine by me']);
});

test('the dispatcher refuses a reset that is no boolean', async (t) => {
  const dispatcher = new H2Dispatcher();
  t.after(() => dispatcher.destroy());
  const options = { origin: 'http://127.0.0.1:1', path: '/', method: 'GET', reset: 'yes' as never };
  await assert.rejects(dispatcher.request(options), { code: 'UND_ERR_INVALID_ARG', message: 'invalid reset' });
});

/** What each facade that tells of status texts says of a 103 over HTTP/1.1, and of the answer. */
const informed: Readonly<Record<string, (transport: Transport, origin: string) => Promise<unknown[]>>> = {
  'a handler': (transport, origin) =>
    new Promise((resolve, reject) => {
      const seen: unknown[] = [];
      new H2Dispatcher(transport).dispatch(
        { origin, path: '/', method: 'GET' },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_, status, headers, statusText) => void seen.push([status, statusText, headers['link']]),
          onResponseEnd: () => resolve(seen),
          onResponseError: (_, error) => reject(error),
        },
      );
    }),
  'passinglane/http': async (transport, origin) => {
    const request = createRequest(transport).request(`${origin}/`);
    const seen: unknown[] = [];
    request.on('information', ({ statusCode, statusMessage, headers }: IncomingMessage) => {
      seen.push([statusCode, statusMessage, headers['link']]);
    });
    const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
    await text(response);
    return [...seen, [response.statusCode, response.statusMessage, undefined]];
  },
};

for (const [name, informedBy] of Object.entries(informed))
  test(`${name} is told the status text of a 1xx response over HTTP/1.1`, async (t) => {
    const server = await rawOrigin(t, async (peer) => {
      await peer.request();
      peer.write('HTTP/1.1 103 Soon\nLink: </a>\n\nHTTP/1.1 200 Fine\nContent-Length: 0\n\n');
    });
    assert.deepEqual(await informedBy(transportFor(t), server.origin), [
      [103, 'Soon', '</a>'],
      [200, 'Fine', undefined],
    ]);
  });
