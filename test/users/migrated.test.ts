/** Two apps as people have them, one over undici and one over connect-node, moved by the lines of the migration guide. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Writable } from 'node:stream';
import { Code, ConnectError, createClient, type Transport as ConnectTransport } from '@connectrpc/connect';
import { createGrpcTransport as createNodeGrpcTransport } from '@connectrpc/connect-node';
import { Agent, getGlobalDispatcher, request, setGlobalDispatcher, stream, type Dispatcher } from 'undici-7';
import { createGrpcTransport } from '../../dist/connect/index.js';
import { Transport } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startConnectServer } from '../connect/servers.js';
import { Notes } from '../connect/service.js';
import { loopback } from '../support/certificates.js';
import { startOrigin } from '../support/origin.js';

// --- an app over undici: it knows of undici's functions alone ---

class Store {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async put(text: string): Promise<string> {
    const { statusCode, body } = await request(`${this.#origin}/echo`, { method: 'PUT', body: text });
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return body.text();
  }

  async size(path: string): Promise<number> {
    let size = 0;
    const count = (): Writable =>
      new Writable({
        write(chunk: Buffer, _, done) {
          size += chunk.length;
          done();
        },
      });
    await stream(`${this.#origin}${path}`, { method: 'GET' }, count);
    return size;
  }

  async exists(path: string): Promise<boolean> {
    const { statusCode, body } = await request(`${this.#origin}${path}`, { method: 'HEAD' });
    await body.dump();
    return statusCode === 200;
  }

  async impatiently(path: string): Promise<string> {
    try {
      await request(`${this.#origin}${path}`, { headersTimeout: 50 });
      return 'in time';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
}

/** The app's own tests. */
async function checkStore(store: Store): Promise<void> {
  assert.equal(await store.put('kept'), 'kept');
  assert.equal(await store.size('/bytes/100000'), 100_000);
  assert.deepEqual([await store.exists('/hello.txt'), await store.exists('/nowhere')], [true, false]);
  assert.equal(await store.impatiently('/silent'), 'UND_ERR_HEADERS_TIMEOUT');
  const all = await Promise.all(Array.from({ length: 50 }, (_, i) => store.put(String(i))));
  assert.deepEqual(
    all,
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
}

const dispatchers: Readonly<Record<string, () => Dispatcher>> = {
  "undici's own Agent": () => new Agent({ allowH2: true, connect: { ca: loopback.cert } }),
  'the line of the guide': () => new H2Dispatcher({ tls: { ca: loopback.cert } }),
};

describe("an app over undici passes its own tests over undici's Agent and over H2Dispatcher", () => {
  for (const [name, make] of Object.entries(dispatchers))
    test(name, async (t) => {
      const origin = await startOrigin({ tls: true });
      t.after(() => origin.close());
      const before = getGlobalDispatcher();
      const dispatcher = make();
      setGlobalDispatcher(dispatcher);
      t.after(async () => {
        setGlobalDispatcher(before);
        await dispatcher.destroy();
      });
      await checkStore(new Store(origin.origin));
    });
});

// --- an app over connect-node: it is given a transport of Connect-ES ---

/** The app's own tests. */
async function checkNotes(transport: ConnectTransport): Promise<void> {
  const client = createClient(Notes, transport);
  assert.equal((await client.echo({ text: 'kept', number: 7 })).number, 7);
  const numbers: number[] = [];
  for await (const { number } of client.count({ number: 3 })) numbers.push(number);
  assert.deepEqual(numbers, [1, 2, 3]);
  async function* terms(): AsyncGenerator<{ number: number }> {
    for (const number of [1, 2, 3]) yield await Promise.resolve({ number });
  }
  assert.equal((await client.sum(terms())).number, 6);
  await assert.rejects(client.echo({ text: 'hang' }, { timeoutMs: 50 }), (error) => {
    assert.equal(error instanceof ConnectError && error.code, Code.DeadlineExceeded);
    return true;
  });
}

const transports: Readonly<Record<string, (t: TestContext, baseUrl: string, ca: string) => ConnectTransport>> = {
  'connect-node': (_, baseUrl, ca) => createNodeGrpcTransport({ baseUrl, nodeOptions: { ca } }),
  'the line of the guide': (t, baseUrl, ca) => {
    const transport = new Transport({ tls: { ca } });
    t.after(() => {
      transport.destroy();
    });
    return createGrpcTransport({ baseUrl, transport });
  },
};

describe('an app over connect-node passes its own tests over connect-node and over passinglane/connect', () => {
  for (const [name, make] of Object.entries(transports))
    test(name, async (t) => {
      const server = await startConnectServer(true);
      t.after(() => server.close());
      await checkNotes(make(t, server.origin, String(server.ca)));
    });
});
