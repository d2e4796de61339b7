import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request as nodeRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { createRequest } from '../../dist/http/index.js';
import { Transport } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { closedPort } from '../support/closed-port.js';
import { listenFor } from '../support/listen.js';
import { resetSocket } from '../support/reset.js';

/** The client sends half of a body of this many bytes, and the rest when it has its answer. */
const bodySize = 40_000;

const protocols = ['h2c', 'http/1.1'] as const;
type Protocol = (typeof protocols)[number];

/** Passes the body on by one of the ways into the package, and gives the status of the answer. */
type Forward = (transport: Transport, url: string, body: Readable, signal: AbortSignal) => Promise<number>;

const facades: Record<string, Forward> = {
  'transport.request': async (transport, url, body, signal) => {
    const response = await transport.request(url, { method: 'POST', body, signal });
    await response.body.dump();
    return response.status;
  },
  'transport.request with a function': async (transport, url, body, signal) => {
    const response = await transport.request(url, { method: 'POST', body: () => body, signal });
    await response.body.dump();
    return response.status;
  },
  'transport.fetch': async (transport, url, body, signal) => {
    const init = { method: 'POST', body: body as unknown as ReadableStream, duplex: 'half', signal } as const;
    const response = await transport.fetch(url, init);
    await response.arrayBuffer();
    return response.status;
  },
  "transport.fetch with node:stream's iterator": async (transport, url, req, signal) => {
    const body = req.iterator({ destroyOnReturn: false }) as unknown as ReadableStream;
    const response = await transport.fetch(url, { method: 'POST', body, duplex: 'half', signal });
    await response.arrayBuffer();
    return response.status;
  },
  // undici's own functions destroy the body themselves.
  H2Dispatcher: (transport, url, body, signal) => dispatch(transport, url, body, signal, {}),
  'H2Dispatcher whose handler follows the sending': (transport, url, body, signal) =>
    dispatch(transport, url, body, signal, { onBodySent: () => undefined }),
  'passinglane/http': async (transport, url, body, signal) => {
    const out = createRequest(transport).request(url, { method: 'POST', signal });
    try {
      const [response] = (await once(body.pipe(out), 'response')) as [IncomingMessage];
      await text(response);
      return response.statusCode ?? 0;
    } finally {
      body.resume(); // pipe() leaves it paused when its target fails, as with node:http
    }
  },
};

function dispatch(
  transport: Transport,
  url: string,
  body: Readable,
  signal: AbortSignal,
  also: object,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const handler = {
      onConnect: (abort: () => void) => signal.addEventListener('abort', abort),
      onHeaders: (code: number) => {
        status = code;
        return true;
      },
      onData: () => true,
      onComplete: () => resolve(status),
      onError: reject,
      ...also,
    };
    new H2Dispatcher(transport).dispatch({ origin: url, path: '/', method: 'POST', body }, handler);
  });
}

/** Upstreams that let an upload down, and the status that the gateway's client gets. */
interface Fault {
  readonly status: number;
  start(t: TestContext, protocol: Protocol): Promise<string>;
}

const faults: Record<string, Fault> = {
  'refuses the connection': { status: 502, start: () => Promise.resolve(`http://127.0.0.1:${closedPort}`) },
  'resets the connection': {
    status: 502,
    start: (t) => {
      const server = createTcpServer((socket) => {
        socket.on('error', () => undefined); // the client's side is what is looked at
        socket.once('data', () => resetSocket(socket));
      });
      return urlOf(t, server);
    },
  },
  'never answers': { status: 504, start: (t, protocol) => upstream(t, protocol, () => undefined) },
  'answers 413 early': {
    status: 413,
    start: (t, protocol) =>
      upstream(t, protocol, (response) => {
        response.writeHead(413);
        response.end('too much');
      }),
  },
};

interface Answer {
  writeHead(status: number): unknown;
  end(body: string): unknown;
}

function upstream(t: TestContext, protocol: Protocol, answer: (response: Answer) => void): Promise<string> {
  const handler = (_: unknown, response: Answer): void => answer(response);
  return urlOf(t, protocol === 'h2c' ? createHttp2Server(handler as never) : createServer(handler as never));
}

async function urlOf(t: TestContext, server: Server): Promise<string> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => open.add(socket));
  return `http://127.0.0.1:${await listenFor(t, server, open)}`;
}

function transportFor(t: TestContext, cleartext: Protocol): Transport {
  const transport = new Transport({ cleartext, retry: { maxAttempts: 1 } });
  t.after(() => transport.destroy());
  return transport;
}

/** The status with which a gateway answers for an upstream, which it gives up after so many milliseconds. */
async function statusFor(patience: number, send: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const signal = AbortSignal.timeout(patience);
  try {
    return await send(signal);
  } catch {
    return signal.aborted ? 504 : 502;
  }
}

/** Only where nothing comes is it for the gateway to make an end; else it waits as long as a busy machine needs. */
function patienceWith({ status }: { readonly status: number }): number {
  return status === 504 ? 100 : 60_000;
}

/** An HTTP/1.1 client with one connection, and half of an upload on it. */
function beginUpload(t: TestContext, url: string): { readonly upload: ClientRequest; readonly agent: Agent } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const upload = nodeRequest(url, { agent, method: 'POST', headers: { 'content-length': bodySize } });
  upload.write(Buffer.alloc(bodySize / 2));
  return { upload, agent };
}

for (const [facade, forward] of Object.entries(facades))
  for (const protocol of protocols)
    for (const [what, fault] of Object.entries(faults))
      test(`${facade}, ${protocol}: a gateway's client has its answer, and its connection, when the upstream ${what}`, async (t) => {
        const to = await fault.start(t, protocol);
        const transport = transportFor(t, protocol);
        const gateway = createServer((req, res) => {
          if (req.method === 'GET') return void res.end('next');
          void statusFor(patienceWith(fault), (signal) => forward(transport, to, req, signal)).then((status) =>
            res.writeHead(status).end('told'),
          );
        });
        const url = await urlOf(t, gateway);

        const { upload, agent } = beginUpload(t, url);
        const [response] = (await once(upload, 'response')) as [IncomingMessage];
        assert.equal(response.statusCode, fault.status);
        assert.equal(await text(response), 'told');
        await once(upload.end(Buffer.alloc(bodySize / 2)), 'close');

        const next = nodeRequest(url, { agent });
        const [second] = (await once(next.end(), 'response')) as [IncomingMessage];
        assert.equal(await text(second), 'next');
        assert.equal(next.reusedSocket, true, 'what was left of the body did not get into its way');
      });

/** The status and the text that a client of an HTTP/2 server gets for half of an upload. */
async function uploadOverHttp2(t: TestContext, url: string): Promise<[number, string]> {
  const session = connect(url);
  t.after(() => session.destroy());
  const stream = session.request({ ':method': 'POST' });
  stream.write(Buffer.alloc(bodySize / 2));
  const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
  const body = await text(stream);
  stream.end();
  return [headers[':status'], body];
}

for (const [what, fault] of Object.entries(faults)) {
  test(`a request of http2's compatibility API is let go of when the upstream ${what}`, async (t) => {
    const to = await fault.start(t, 'h2c');
    const transport = transportFor(t, 'h2c');
    const gateway = createHttp2Server((req, res) => {
      void statusFor(patienceWith(fault), (signal) => facades['transport.request']!(transport, to, req, signal)).then(
        (status) => {
          res.writeHead(status);
          res.end('told');
        },
      );
    });
    assert.deepEqual(await uploadOverHttp2(t, await urlOf(t, gateway)), [fault.status, 'told']);
  });

  test(`a stream of node:http2's server is let go of when the upstream ${what}`, async (t) => {
    const to = await fault.start(t, 'h2c');
    const transport = transportFor(t, 'h2c');
    const gateway = createHttp2Server();
    gateway.on('stream', (stream: ServerHttp2Stream) => {
      void statusFor(patienceWith(fault), (signal) =>
        facades['transport.request']!(transport, to, stream, signal),
      ).then((status) => {
        stream.respond({ ':status': status });
        stream.end('told');
      });
    });
    assert.deepEqual(await uploadOverHttp2(t, await urlOf(t, gateway)), [fault.status, 'told']);
  });
}

test('a client that still has megabytes to send has its answer, and its connection once the gateway has read on', async (t) => {
  const to = await faults['answers 413 early']!.start(t, 'h2c');
  const transport = transportFor(t, 'h2c');
  const gateway = createServer((req, res) => {
    if (req.method === 'GET') return void res.end('next');
    void transport.request(to, { method: 'POST', body: req }).then((response) => {
      res.writeHead(response.status).end('told');
      req.resume();
    });
  });
  const url = await urlOf(t, gateway);

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const upload = nodeRequest(url, { agent, method: 'POST' });
  upload.end(Buffer.alloc(8 << 20));
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  assert.deepEqual([response.statusCode, await text(response)], [413, 'told']);
  await once(upload, 'close');
  const next = nodeRequest(url, { agent });
  const [second] = (await once(next.end(), 'response')) as [IncomingMessage];
  assert.deepEqual([await text(second), next.reusedSocket], ['next', true]);
});

test('of a large body no more than 64 KiB and what was buffered is dropped while its owner does not read on', async (t) => {
  const to = await faults['answers 413 early']!.start(t, 'h2c');
  const transport = transportFor(t, 'h2c');
  const gateway = createServer((req) => {
    void transport.request(to, { method: 'POST', body: req }).then(() => gateway.emit('answered', req));
  });
  const upload = nodeRequest(await urlOf(t, gateway), { method: 'POST' });
  upload.on('error', () => undefined); // the test ends before it does
  upload.write(Buffer.alloc(64 << 20));
  const [req] = (await once(gateway, 'answered')) as [IncomingMessage];
  let dropped = 0;
  const read = req.read.bind(req);
  req.read = (size?: number): unknown => {
    const piece = read(size) as Buffer | null;
    dropped += piece?.length ?? 0;
    return piece;
  };
  await quiet(req);
  assert.ok(dropped <= 65_536 + req.readableHighWaterMark, `${dropped} bytes`);
  assert.equal(req.destroyed, false);
  assert.deepEqual(
    req.eventNames().filter((name: string | symbol) => name === 'readable' || name === 'resume'),
    [],
  );
});

for (const protocol of protocols)
  test(`${protocol}: a body of which nothing was read goes whole to the next upstream`, async (t) => {
    const transport = transportFor(t, protocol);
    const echo = await upstreamEcho(t, protocol);
    const gateway = createServer((req, res) => {
      const send = (to: string): Promise<string> =>
        transport.request(to, { method: 'POST', body: req }).then((response) => response.body.text());
      send(`http://127.0.0.1:${closedPort}`)
        .catch(() => send(echo))
        .then(
          (answer) => res.end(answer),
          (error: unknown) => res.writeHead(502).end(String(error)),
        );
    });
    const upload = nodeRequest(await urlOf(t, gateway), { method: 'POST' });
    const [response] = (await once(upload.end('all of it'), 'response')) as [IncomingMessage];
    assert.equal(await text(response), 'all of it');
  });

test('a body of which some was read is refused a second time, so that none arrives cut short', async (t) => {
  const up = createHttp2Server();
  up.on('stream', (stream: ServerHttp2Stream) =>
    stream.on('error', () => undefined).once('data', () => stream.close(2)),
  );
  const to = await urlOf(t, up);
  const transport = transportFor(t, 'h2c');
  const gateway = createServer((req, res) => {
    const send = (): Promise<unknown> => transport.request(to, { method: 'POST', body: req });
    send()
      .catch(send)
      .catch((error: unknown) => res.end((error as NodeJS.ErrnoException).code));
  });
  const { upload } = beginUpload(t, await urlOf(t, gateway));
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  assert.equal(await text(response), 'ERR_PASSINGLANE_REQUEST_BODY');
  upload.destroy();
});

for (const incoming of ['http/1.1', 'http2'] as const)
  test(`${incoming}: when the client is gone in mid-upload, the upstream hears of a reset, not of a shorter body`, async (t) => {
    const up = createHttp2Server();
    up.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('aborted', () => up.emit('outcome', 'aborted')).on('error', () => undefined);
      stream.on('end', () => stream.aborted || up.emit('outcome', 'whole'));
      stream.resume();
    });
    const outcome = once(up, 'outcome');
    const to = await urlOf(t, up);
    const transport = transportFor(t, 'h2c');
    const forward = (req: Readable): void => {
      transport.request(to, { method: 'POST', body: req }).catch(() => undefined); // the upstream's side is what is looked at
    };
    if (incoming === 'http/1.1') {
      const gateway = createServer((req) => {
        forward(req);
        req.once('readable', () => setImmediate(() => upload.destroy()));
      });
      const { upload } = beginUpload(t, await urlOf(t, gateway));
      upload.on('error', () => undefined);
    } else {
      const gateway = createHttp2Server((req) => {
        forward(req);
        req.once('readable', () => setImmediate(() => session.destroy()));
      });
      const session = connect(await urlOf(t, gateway));
      t.after(() => session.destroy());
      const stream = session.request({ ':method': 'POST' });
      stream.on('error', () => undefined);
      stream.write('half of it');
    }
    assert.deepEqual(await outcome, ['aborted']);
  });

test("a handler that aborts before the request has begun leaves the gateway's request alive", async (t) => {
  const dispatcher = new H2Dispatcher(transportFor(t, 'h2c'));
  const gateway = createServer((req, res) => {
    const handler = {
      onConnect: (abort: () => void) => abort(),
      onHeaders: () => true,
      onData: () => true,
      onComplete: () => undefined,
      onError: () => res.writeHead(502).end('told'),
    };
    dispatcher.dispatch({ origin: 'http://origin.test', path: '/', method: 'POST', body: req }, handler);
  });
  const { upload } = beginUpload(t, await urlOf(t, gateway));
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  assert.equal(await text(response), 'told');
  upload.destroy();
});

test('a response that a client received is no request of a server: given up, it is destroyed', async (t) => {
  const source = createServer((_, res) => res.write('a part'));
  const download = nodeRequest(await urlOf(t, source)).end();
  const [body] = (await once(download, 'response')) as [IncomingMessage];
  download.on('error', () => undefined); // hears of the end of its socket
  const sending = transportFor(t, 'h2c').request(`http://127.0.0.1:${closedPort}`, { method: 'POST', body });
  await assert.rejects(sending, { code: 'ERR_PASSINGLANE_CONNECT_FAILED' });
  await new Promise(setImmediate);
  assert.equal(body.destroyed, true);
});

function upstreamEcho(t: TestContext, protocol: Protocol): Promise<string> {
  const handler = (req: Readable, res: NodeJS.WritableStream): void => void req.pipe(res);
  return urlOf(t, protocol === 'h2c' ? createHttp2Server(handler as never) : createServer(handler as never));
}

/** Until nothing has come for a while: what would come, would come at once. */
async function quiet(req: IncomingMessage): Promise<void> {
  for (let seen = -1; seen !== req.socket.bytesRead;) {
    seen = req.socket.bytesRead;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
