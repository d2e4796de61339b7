import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { performServerHandshake } from 'node:http2';
import { Readable, duplexPair, type Duplex } from 'node:stream';
import { errorCodeNames } from '../errors.js';
import type { ClientResponse } from '../index.js';
import { forever } from '../ports/index.js';
import { clearTimeout, setImmediate, setTimeout } from '../timers.js';
import { MockCall } from './mock-call.js';
import type { MockBody, MockReply } from './mock-route.js';

/** Says what becomes of a request, or why nothing does. Called when its head has come, before its body. */
export type Answerer = (call: MockCall) => () => Promise<MockReply | string>;

/** What only a mock's answer has: why there is none, of which its transport makes an error. */
const whyNot = { status: 599, field: 'passinglane-not-mocked' } as const;

/** Why a request was not answered; undefined: it was. */
export function whyUnanswered(response: ClientResponse): string | undefined {
  if (response.status !== whyNot.status) return undefined;
  return decodeURIComponent(response.headers.get(whyNot.field) ?? '') || undefined;
}

/** A connection to a server of this process, as the client has it: HTTP/2 with everything that belongs to it, and no socket. */
export function connectInMemory(answerer: Answerer): Duplex {
  const [near, far] = duplexPair();
  const session = performServerHandshake(far, { maxSessionMemory: 1_000, settings: { maxConcurrentStreams: 10_000 } });
  // What ends a connection early is either side's doing, and the client's to tell.
  session.on('error', ignore);
  far.on('error', ignore);
  // As a socket does, it keeps the process while somebody waits for what comes of it.
  const hold = setTimeout(ignore, forever);
  near.on('close', () => {
    clearTimeout(hold);
    session.destroy();
  });
  session.on('stream', (stream, headers) => {
    stream.on('error', ignore);
    const call = toCall(headers);
    const reply = answerer(call);
    if (headers.expect === '100-continue') stream.additionalHeaders({ ':status': 100 });
    stream.on('data', (chunk: Buffer) => {
      call.add(chunk);
    });
    stream.on('end', () => {
      void reply()
        .then((given) => answer(stream, { near, far }, call, given))
        .catch((error: unknown) => answerWith(error, stream));
    });
  });
  return Object.assign(near, { ref: () => hold.ref(), unref: () => hold.unref() });
}

function toCall(headers: IncomingHttpHeaders & Record<string, string | string[] | undefined>): MockCall {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (!name.startsWith(':')) shown[name] = Array.isArray(value) ? value.join(', ') : String(value);
  const url = `${String(headers[':scheme'])}://${String(headers[':authority'])}${String(headers[':path'])}`;
  return new MockCall(String(headers[':method']), url, shown);
}

interface Ends {
  readonly near: Duplex;
  readonly far: Duplex;
}

async function answer(
  stream: ServerHttp2Stream,
  { near, far }: Ends,
  call: MockCall,
  reply: MockReply | string,
): Promise<void> {
  if (typeof reply === 'string')
    return stream.respond({ ':status': whyNot.status, [whyNot.field]: encodeURIComponent(reply) }, { endStream: true });
  const { delay = 0, fault, errorCode = 'INTERNAL_ERROR' } = reply;
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  if (stream.destroyed) return;
  const body = reply.json === undefined ? reply.body : JSON.stringify(reply.json);
  if (fault === 'reset') return stream.close(errorCodeNames.indexOf(errorCode));
  if (fault === 'goaway') return void far.write(goAwayBefore(stream.id ?? 1));
  if (fault !== undefined && body === undefined) return fault === 'cut' ? breakOff(near) : undefined;
  respond(stream, reply);
  if (body !== undefined && call.method !== 'HEAD') await send(stream, body, fault === 'cut');
  if (fault === undefined) stream.end();
  else if (fault === 'cut') setImmediate(breakOff, near);
}

function respond(stream: ServerHttp2Stream, { status = 200, headers = {}, json, trailers }: MockReply): void {
  const type = json === undefined ? undefined : { 'content-type': 'application/json' };
  stream.respond(
    { ...type, ...headers, ':status': status },
    {
      waitForTrailers: trailers !== undefined,
    },
  );
  if (trailers !== undefined) stream.on('wantTrailers', () => sendTrailers(stream, trailers));
}

function sendTrailers(stream: ServerHttp2Stream, trailers: Readonly<Record<string, string>>): void {
  try {
    stream.sendTrailers(trailers);
  } catch (error) {
    answerWith(error, stream);
  }
}

/** All of it, or the first half, which resolves once the other end has taken it. */
async function send(stream: ServerHttp2Stream, body: MockBody, half: boolean): Promise<void> {
  const whole = typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : undefined;
  const chunks =
    whole === undefined
      ? Readable.from(body as Iterable<string>)
      : [half ? whole.subarray(0, whole.length >> 1) : whole];
  for await (const chunk of chunks) {
    if (stream.destroyed) return;
    if (half) await new Promise((resolve) => stream.once('close', resolve).write(chunk, resolve));
    else if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve).once('close', resolve));
  }
}

/** What a route's function throws, or its reply makes throw, is shown to the test in the response, as msw does. */
function answerWith(error: unknown, stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  if (stream.headersSent) return stream.close(errorCodeNames.indexOf('INTERNAL_ERROR'));
  stream.respond({ ':status': 500 });
  stream.end(`The reply of this route threw: ${error instanceof Error ? error.stack : String(error)}`);
}

function breakOff(near: Duplex): void {
  near.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }));
}

/** GOAWAY that spares this stream and later ones (RFC 9113 section 6.8); node:http2 cannot say "none was processed". */
function goAwayBefore(streamId: number): Buffer {
  const frame = Buffer.alloc(17);
  frame.writeUIntBE(8, 0, 3);
  frame[3] = 7;
  frame.writeUInt32BE(Math.max(0, streamId - 2), 9);
  return frame;
}

function ignore(): void {}
