import assert from 'node:assert/strict';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createHttpClient } from '../../dist/connect/index.js';
import { Transport, TransportError, type TransportOptions } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';
import { client, link, until } from '../users/support.js';
import { startConnectServer } from './servers.js';
import { Notes } from './service.js';

/** A gRPC client of a server that treats each call so. */
async function clientOf(
  t: TestContext,
  treat: (stream: ServerHttp2Stream) => void,
  options: TransportOptions = {},
): Promise<Client<typeof Notes>> {
  const server = await startOrigin({
    handler: (request) => {
      request.resume();
      treat(request.stream);
    },
  });
  const transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 }, ...options });
  t.after(async () => {
    transport.destroy();
    await server.close();
  });
  return createClient(Notes, createGrpcTransport({ baseUrl: server.origin, transport }));
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  const reason: unknown = await call.then(
    () => assert.fail('it was answered'),
    (error: unknown) => error,
  );
  assert.ok(reason instanceof ConnectError, String(reason));
  return reason;
}

/** The table of "gRPC over HTTP2", section Errors. */
const resets: [keyof typeof constants, Code][] = [
  ['NGHTTP2_NO_ERROR', Code.Internal],
  ['NGHTTP2_PROTOCOL_ERROR', Code.Internal],
  ['NGHTTP2_INTERNAL_ERROR', Code.Internal],
  ['NGHTTP2_FLOW_CONTROL_ERROR', Code.Internal],
  ['NGHTTP2_SETTINGS_TIMEOUT', Code.Internal],
  ['NGHTTP2_FRAME_SIZE_ERROR', Code.Internal],
  ['NGHTTP2_REFUSED_STREAM', Code.Unavailable],
  ['NGHTTP2_CANCEL', Code.Canceled],
  ['NGHTTP2_COMPRESSION_ERROR', Code.Internal],
  ['NGHTTP2_CONNECT_ERROR', Code.Internal],
  ['NGHTTP2_ENHANCE_YOUR_CALM', Code.ResourceExhausted],
  ['NGHTTP2_INADEQUATE_SECURITY', Code.PermissionDenied],
];

for (const [name, code] of resets) {
  test(`a stream reset with ${name.slice(8)} is ${Code[code]}, our error its cause`, async (t) => {
    const client = await clientOf(t, (stream) => {
      stream.close(constants[name] as number);
    });
    const error = await failure(client.echo({}));
    assert.equal(Code[error.code], Code[code]);
    assert.ok(TransportError.isInstance(error.cause));
    assert.equal(error.cause.errorCode, name.slice(8));
  });
}

test('a stream that is reset amid its messages gives those, then the code of the reset', async (t) => {
  const client = await clientOf(t, (stream) => {
    // Node ends a stream before it resets it, but not one that owes trailers.
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.write(Buffer.from([0, 0, 0, 0, 2, 0x10, 5]), () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  });
  const got: number[] = [];
  const error = await failure(
    (async () => {
      for await (const note of client.count({})) got.push(note.number);
    })(),
  );
  assert.deepEqual(got, [5]);
  assert.equal(Code[error.code], 'ResourceExhausted');
});

test('a connection lost under a call makes it unavailable', async (t) => {
  const client = await clientOf(t, (stream) => {
    stream.session?.destroy();
  });
  const error = await failure(client.echo({}));
  assert.equal(Code[error.code], 'Unavailable');
  assert.ok(TransportError.isInstance(error.cause));
});

test('a connection that is refused is unavailable', async () => {
  const server = await startConnectServer(false);
  await server.close();
  const transport = new Transport({ cleartext: 'h2c', retry: { maxAttempts: 1 } });
  const client = createClient(Notes, createGrpcTransport({ baseUrl: server.origin, transport }));
  const error = await failure(client.echo({}));
  assert.equal(Code[error.code], 'Unavailable');
  assert.equal((error.cause as TransportError).code, 'ERR_PASSINGLANE_CONNECT_FAILED');
  await transport.close();
});

test('a closed transport is unavailable', async () => {
  const transport = new Transport();
  await transport.close();
  const client = createClient(Notes, createGrpcTransport({ baseUrl: 'https://127.0.0.1:1', transport }));
  assert.equal(Code[(await failure(client.echo({}))).code], 'Unavailable');
});

test("the transport's own time-out is a deadline that passed", async (t) => {
  const client = await clientOf(t, () => undefined, { headersTimeout: 30 });
  const error = await failure(client.echo({}));
  assert.equal(Code[error.code], 'DeadlineExceeded');
  assert.equal((error.cause as TransportError).code, 'ERR_PASSINGLANE_HEADERS_TIMEOUT');
});

test('a peer that breaks the protocol is unavailable, as the connection is gone', async (t) => {
  const client = await clientOf(t, (stream) => {
    stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR);
    stream.session?.destroy();
  });
  assert.equal(Code[(await failure(client.echo({}))).code], 'Unavailable');
});

test('calls that find their connection dead are answered over another; what it held ends by its deadline, or as UNAVAILABLE', async (t) => {
  const server = await startConnectServer(false);
  t.after(() => server.close());
  const path = await link(t, Number(new URL(server.origin).port));
  const transport = client(t, { stallTimeout: 100, probeAfter: 300, readIdleTimeout: 700, pingTimeout: 300 });
  const notes = createClient(Notes, createGrpcTransport({ baseUrl: `http://127.0.0.1:${path.port}`, transport }));
  await transport.preconnect(`http://127.0.0.1:${path.port}`); // which nothing goes around, however long it takes
  await notes.echo({ text: 'before' });
  path.blackhole();
  const lost = failure(notes.echo({ text: 'lost' }));
  const late = failure(notes.echo({ text: 'late' }, { timeoutMs: 50 }));
  // Silent, or what comes of that: a busy machine may look later.
  await until(() => !['ready', 'busy'].includes(transport.stats().origins[0]?.connections[0]?.state ?? 'closed'));
  assert.equal((await notes.echo({ text: 'around' })).text, 'around');
  assert.equal(path.connections, 2);
  assert.deepEqual([Code[(await late).code], Code[(await lost).code]], ['DeadlineExceeded', 'Unavailable']);
});

test('a loop that is left early cancels the call on the server', async (t) => {
  let closed: (code: number) => void;
  const code = new Promise<number>((resolve) => (closed = resolve));
  const client = await clientOf(t, (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' });
    stream.write(Buffer.from([0, 0, 0, 0, 2, 0x10, 5]));
    stream.on('close', () => {
      closed(stream.rstCode);
    });
  });
  const controller = new AbortController();
  for await (const note of client.count({}, { signal: controller.signal })) {
    assert.equal(note.number, 5);
    break;
  }
  controller.abort(); // Connect-ES leaves a stream that nobody reads to the signal
  assert.equal(await code, constants.NGHTTP2_CANCEL);
});

test('createHttpClient rejects with the reason of a signal that is a ConnectError', async () => {
  const transport = new Transport();
  const reason = new ConnectError('too late', Code.DeadlineExceeded);
  const call = createHttpClient(transport)({
    url: 'https://127.0.0.1:1/',
    method: 'POST',
    header: new Headers(),
    signal: AbortSignal.abort(reason),
  });
  assert.equal(await failure(call), reason);
  await transport.close();
});

test('createHttpClient rejects with Canceled where the signal was aborted without a reason', async () => {
  const transport = new Transport();
  const url = 'https://127.0.0.1:1/';
  const call = createHttpClient(transport)({ url, method: 'GET', header: new Headers(), signal: AbortSignal.abort() });
  assert.equal(Code[(await failure(call)).code], 'Canceled');
  await transport.close();
});

test('without a transport of their own, clients share one that speaks HTTP/2 to http: URLs', async (t) => {
  const server = await startConnectServer(false);
  t.after(() => server.close());
  for (const make of [createGrpcTransport, createConnectTransport]) {
    const client = createClient(Notes, make({ baseUrl: server.origin }));
    assert.equal((await client.echo({ text: 'hello' })).text, 'hello');
  }
});

test("connect-node's options for connections are refused, and it is said where they belong", () => {
  const options = { baseUrl: 'https://127.0.0.1:1', pingIntervalMs: 1_000 };
  assert.throws(() => createGrpcTransport(options), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
    message: /pingIntervalMs.*'transport'/,
  });
  const httpVersion = '3' as '2';
  assert.throws(() => createConnectTransport({ baseUrl: 'https://127.0.0.1:1', httpVersion }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /httpVersion.*"3"/,
  });
});

test('a base URL to which no path can be added is refused', () => {
  for (const rest of ['?key=secret', '/prefix#x']) {
    assert.throws(() => createGrpcTransport({ baseUrl: `https://me:secret@127.0.0.1:1${rest}` }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^(?!.*secret).*'baseUrl'.*no query/,
    });
  }
  for (const baseUrl of ['127.0.0.1:1', '/prefix', 'ftp://127.0.0.1'])
    assert.throws(() => createConnectTransport({ baseUrl }), { code: 'ERR_INVALID_ARG_VALUE', message: /'baseUrl'/ });
});

test('methods without side effects are called with GET where that is asked for', async (t) => {
  const methods: string[] = [];
  const transport = new Transport({ cleartext: 'h2c' });
  const server = await startConnectServer(false);
  t.after(async () => {
    await transport.close();
    await server.close();
  });
  const recording: Pick<Transport, 'request'> = {
    request(url, options) {
      methods.push(options?.method ?? '');
      return transport.request(url, options);
    },
  };
  const options = { baseUrl: server.origin, transport: recording, useHttpGet: true };
  const client = createClient(Notes, createConnectTransport(options));
  assert.equal((await client.echo({ text: 'hello' })).text, 'hello');
  for await (const note of client.count({ number: 1 })) assert.equal(note.number, 1);
  assert.deepEqual(methods, ['GET', 'POST']);
});
