/** Servers of gRPC's interop service: by @grpc/grpc-js, and, for whether a message is compressed, by hand on node:http2. */
import { createServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { create, fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  Metadata,
  Server,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { listen } from '../servers.js';
import * as proto from './proto.js';

export interface InteropServer {
  readonly origin: string;
  readonly ca: string | undefined;
  close(): Promise<void> | void;
}

function definition<I extends DescMessage, O extends DescMessage>(
  path: string,
  input: I,
  output: O,
  requestStream = false,
  responseStream = false,
): MethodDefinition<MessageShape<I>, MessageShape<O>> {
  return {
    path: `/grpc.testing.TestService/${path}`,
    requestStream,
    responseStream,
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

const service = {
  emptyCall: definition('EmptyCall', proto.EmptySchema, proto.EmptySchema),
  unaryCall: definition('UnaryCall', proto.SimpleRequestSchema, proto.SimpleResponseSchema),
  streamingInputCall: definition('StreamingInputCall', proto.InputRequestSchema, proto.InputResponseSchema, true),
  streamingOutputCall: definition(
    'StreamingOutputCall',
    proto.OutputRequestSchema,
    proto.OutputResponseSchema,
    false,
    true,
  ),
  fullDuplexCall: definition('FullDuplexCall', proto.OutputRequestSchema, proto.OutputResponseSchema, true, true),
};

const payload = (size: number): { body: Uint8Array } => ({ body: new Uint8Array(size) });
const reply = (size: number): proto.OutputResponse => create(proto.OutputResponseSchema, { payload: payload(size) });

type Output = ServerDuplexStream<proto.OutputRequest, proto.OutputResponse>;

/** Sends the initial metadata back, and gives the trailing. */
function echoMetadata(call: { readonly metadata: Metadata; sendMetadata(metadata: Metadata): void }): Metadata {
  const initial = new Metadata();
  for (const value of call.metadata.get('x-grpc-test-echo-initial')) initial.set('x-grpc-test-echo-initial', value);
  call.sendMetadata(initial);
  const trailing = new Metadata();
  const name = 'x-grpc-test-echo-trailing-bin';
  for (const value of call.metadata.get(name)) trailing.set(name, value);
  return trailing;
}

const handlers = {
  emptyCall(_call: unknown, callback: sendUnaryData<proto.Empty>) {
    callback(null, create(proto.EmptySchema));
  },
  unaryCall(
    call: ServerUnaryCall<proto.SimpleRequest, proto.SimpleResponse>,
    callback: sendUnaryData<proto.SimpleResponse>,
  ) {
    const { responseStatus: asked, responseSize } = call.request;
    if (asked !== undefined) return callback(Object.assign(new Error(), { code: asked.code, details: asked.message }));
    const trailing = echoMetadata(call);
    callback(null, create(proto.SimpleResponseSchema, { payload: payload(responseSize) }), trailing);
  },
  streamingInputCall(
    call: ServerReadableStream<proto.InputRequest, proto.InputResponse>,
    callback: sendUnaryData<proto.InputResponse>,
  ) {
    let aggregatedPayloadSize = 0;
    call.on('data', (message: proto.InputRequest) => (aggregatedPayloadSize += message.payload?.body.length ?? 0));
    call.on('end', () => callback(null, create(proto.InputResponseSchema, { aggregatedPayloadSize })));
    call.on('error', () => undefined); // the client asserts what has come of the call
  },
  streamingOutputCall(call: ServerWritableStream<proto.OutputRequest, proto.OutputResponse>) {
    for (const { size } of call.request.responseParameters) call.write(reply(size));
    call.end();
  },
  fullDuplexCall(call: Output) {
    const trailing = echoMetadata(call);
    call.on('data', ({ responseStatus: status, responseParameters }: proto.OutputRequest) => {
      if (status !== undefined) return void call.emit('error', { code: status.code, details: status.message });
      for (const { size } of responseParameters) call.write(reply(size));
    });
    call.on('end', () => call.end(trailing));
    call.on('error', () => undefined);
  },
};

/** @grpc/grpc-js as the server. */
export async function startGrpcJs(tls: boolean): Promise<InteropServer> {
  const server = new Server();
  server.addService(service, handlers);
  return { ...(await listen(server, tls)), close: () => server.forceShutdown() };
}

/** One message of a call: five bytes of prefix, and what they say. */
interface Received {
  readonly compressed: boolean;
  readonly bytes: Uint8Array;
}

function received(body: Buffer): Received[] {
  const all: Received[] = [];
  for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
    const compressed = body[at] === 1;
    const bytes = body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1));
    all.push({ compressed, bytes: compressed ? gunzipSync(bytes) : bytes });
  }
  return all;
}

function framed(message: Uint8Array, compressed: boolean): Buffer {
  const bytes = compressed ? gzipSync(message) : message;
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed ? 1 : 0);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** The messages that answer a call; undefined: INVALID_ARGUMENT, since a message was not coded as it says. */
function answer(path: string, messages: readonly Received[]): Buffer[] | undefined {
  const asSaid = (expected: { value: boolean } | undefined, { compressed }: Received): boolean =>
    expected === undefined || expected.value === compressed;
  if (path.endsWith('/StreamingInputCall')) {
    const inputs = messages.map((message) => ({ message, input: fromBinary(proto.InputRequestSchema, message.bytes) }));
    if (!inputs.every(({ message, input }) => asSaid(input.expectCompressed, message))) return undefined;
    const aggregatedPayloadSize = inputs.reduce((sum, { input }) => sum + (input.payload?.body.length ?? 0), 0);
    const whole = create(proto.InputResponseSchema, { aggregatedPayloadSize });
    return [framed(toBinary(proto.InputResponseSchema, whole), false)];
  }
  const [only] = messages;
  if (only === undefined) return undefined;
  if (path.endsWith('/StreamingOutputCall')) {
    const { responseParameters } = fromBinary(proto.OutputRequestSchema, only.bytes);
    return responseParameters.map(({ size, compressed }) =>
      framed(toBinary(proto.OutputResponseSchema, reply(size)), compressed?.value === true),
    );
  }
  const request = fromBinary(proto.SimpleRequestSchema, only.bytes);
  if (!asSaid(request.expectCompressed, only)) return undefined;
  const whole = create(proto.SimpleResponseSchema, { payload: payload(request.responseSize) });
  return [framed(toBinary(proto.SimpleResponseSchema, whole), request.responseCompressed?.value === true)];
}

function serve(stream: ServerHttp2Stream, path: string): void {
  const parts: Buffer[] = [];
  stream.on('data', (part: Buffer) => parts.push(part));
  stream.on('error', () => undefined); // the client asserts what has come of the call
  stream.on('end', () => {
    const messages = answer(path, received(Buffer.concat(parts)));
    const status = messages === undefined ? '3' : '0';
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-encoding': 'gzip' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(Buffer.concat(messages ?? []));
  });
}

/** UnaryCall, StreamingInputCall and StreamingOutputCall with `expect_compressed` and `response_compressed`, in the clear. */
export async function startCompressing(): Promise<InteropServer> {
  const sessions = new Set<Http2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => serve(stream, String(headers[':path'])));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    ca: undefined,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
