/** Servers of the service, by @connectrpc/connect-node and by @grpc/grpc-js, in this process. */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loopback } from '../support/certificates.js';
import { startOrigin } from '../support/origin.js';
import { NoteSchema, Notes, type Note } from './service.js';

/** What a server has seen, for tests that end a call from the client's side. */
export interface Seen {
  /** Calls that hang have begun. */
  hanging: number;
  /** Calls that hung were cancelled by the client. */
  cancelled: number;
  /** The value of the request's header `x-note`, of the last call. */
  header: string | undefined;
  /** The coding of the last request's messages. */
  encoding: string | undefined;
  /** The deadline of the last call, as its header told it; 'known' where the server library keeps the header to itself. */
  deadline: string | undefined;
}

export interface NotesServer {
  readonly origin: string;
  readonly ca: string | undefined;
  readonly seen: Seen;
  close(): Promise<void>;
}

const noSight = (): Seen => ({
  hanging: 0,
  cancelled: 0,
  header: undefined,
  encoding: undefined,
  deadline: undefined,
});

const refusal = 'the note was refused';

/** Waits for the client to give up. */
function hang(signal: AbortSignal, seen: Seen): Promise<never> {
  seen.hanging++;
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      seen.cancelled++;
      reject(new ConnectError('the client has gone', Code.Canceled));
    });
  });
}

function look(context: HandlerContext, seen: Seen): void {
  const header = context.requestHeader;
  seen.header = header.get('x-note') ?? undefined;
  seen.encoding =
    header.get('grpc-encoding') ??
    header.get('content-encoding') ??
    header.get('connect-content-encoding') ??
    undefined;
  seen.deadline = header.get('grpc-timeout') ?? header.get('connect-timeout-ms') ?? undefined;
}

function routes(router: ConnectRouter, seen: Seen): void {
  router.service(Notes, {
    async echo(note, context) {
      look(context, seen);
      if (note.text === 'hang') return hang(context.signal, seen);
      if (note.text === 'fail') {
        context.responseTrailer.set('x-reason', 'it said so');
        const details = [{ desc: StringValueSchema, value: { value: 'the detail' } }];
        throw new ConnectError(refusal, Code.FailedPrecondition, undefined, details);
      }
      context.responseHeader.set('x-answer', `to ${note.number}`);
      context.responseTrailer.set('x-trailer', 'at the end');
      context.responseTrailer.set('x-bytes-bin', Buffer.from([0, 255, 7]).toString('base64'));
      return note;
    },
    async *count(note, context) {
      look(context, seen);
      for (let number = 1; number <= note.number; number++) yield { text: note.text, number };
      if (note.text === 'fail') throw new ConnectError(refusal, Code.DataLoss);
      if (note.text === 'hang') await hang(context.signal, seen);
      context.responseTrailer.set('x-trailer', 'at the end');
    },
    async sum(notes, context) {
      look(context, seen);
      let number = 0;
      for await (const note of notes) {
        if (note.text === 'fail') throw new ConnectError(refusal, Code.FailedPrecondition);
        number += note.number;
      }
      return { number };
    },
    async *chat(notes, context) {
      look(context, seen);
      for await (const note of notes) yield { text: `${note.text}!`, number: note.number };
    },
  });
}

/** Serves Connect, gRPC and gRPC-web over node:http2. */
export async function startConnectServer(tls: boolean): Promise<NotesServer> {
  const seen = noSight();
  const handler = connectNodeAdapter({ routes: (router) => routes(router, seen) });
  const origin = await startOrigin({
    tls,
    handler: (request: Http2ServerRequest, response: Http2ServerResponse) => {
      handler(request, response);
    },
  });
  return { origin: origin.origin, ca: origin.ca, seen, close: () => origin.close() };
}

function definition(path: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Note, Note> {
  const serialize = (note: Note): Buffer => Buffer.from(toBinary(NoteSchema, note));
  const deserialize = (bytes: Buffer): Note => fromBinary(NoteSchema, bytes);
  return {
    path: `/notes.Notes/${path}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

interface GrpcCall {
  readonly metadata: Metadata;
  /** Infinity where the client has told none. */
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
}

function lookGrpc(call: GrpcCall, seen: Seen): void {
  const first = (name: string): string | undefined => call.metadata.get(name)[0]?.toString();
  seen.header = first('x-note');
  seen.encoding = first('grpc-encoding');
  seen.deadline = call.getDeadline() === Infinity ? undefined : 'known';
}

function hangGrpc(call: GrpcCall, seen: Seen): void {
  seen.hanging++;
  call.on('cancelled', () => seen.cancelled++);
}

const note = (text: string, number: number): Note => create(NoteSchema, { text, number });

function grpcHandlers(seen: Seen): Record<string, unknown> {
  const echo: handleUnaryCall<Note, Note> = (call, callback) => {
    lookGrpc(call, seen);
    if (call.request.text === 'hang') return hangGrpc(call, seen);
    const metadata = new Metadata();
    if (call.request.text === 'fail') {
      metadata.set('x-reason', 'it said so');
      return callback({ code: status.FAILED_PRECONDITION, details: refusal, metadata });
    }
    const answer = new Metadata();
    answer.set('x-answer', `to ${call.request.number}`);
    call.sendMetadata(answer);
    metadata.set('x-trailer', 'at the end');
    metadata.set('x-bytes-bin', Buffer.from([0, 255, 7]));
    callback(null, call.request, metadata);
  };
  return {
    echo,
    count(call: ServerWritableStream<Note, Note>) {
      lookGrpc(call, seen);
      const { text } = call.request;
      for (let number = 1; number <= call.request.number; number++) call.write(note(text, number));
      if (text === 'hang') return hangGrpc(call, seen);
      if (text === 'fail') return call.emit('error', { code: status.DATA_LOSS, details: refusal });
      const metadata = new Metadata();
      metadata.set('x-trailer', 'at the end');
      call.end(metadata);
    },
    sum(call: ServerReadableStream<Note, Note>, callback: sendUnaryData<Note>) {
      lookGrpc(call, seen);
      let number = 0;
      call.on('data', (one: Note) => {
        number += one.number;
        if (one.text === 'fail') callback({ code: status.FAILED_PRECONDITION, details: refusal });
      });
      call.on('end', () => callback(null, note('', number)));
      call.on('error', () => undefined); // the client's side asserts what has come of the call
    },
    chat(call: ServerDuplexStream<Note, Note>) {
      lookGrpc(call, seen);
      call.on('data', (one: Note) => call.write(note(`${one.text}!`, one.number)));
      call.on('end', () => call.end());
      call.on('error', () => undefined);
    },
  };
}

/** Serves gRPC by @grpc/grpc-js. */
export async function startGrpcServer(tls: boolean): Promise<NotesServer> {
  const seen = noSight();
  const server = new Server();
  server.addService(
    {
      echo: definition('Echo', false, false),
      count: definition('Count', false, true),
      sum: definition('Sum', true, false),
      chat: definition('Chat', true, true),
    },
    grpcHandlers(seen) as Parameters<Server['addService']>[1],
  );
  return {
    ...(await listen(server, tls)),
    seen,
    close() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

/** Has a server of @grpc/grpc-js listen on a free port. */
export async function listen(server: Server, tls: boolean): Promise<{ origin: string; ca: string | undefined }> {
  const pair = { cert_chain: Buffer.from(loopback.cert), private_key: Buffer.from(loopback.key) };
  const credentials = tls ? ServerCredentials.createSsl(null, [pair]) : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { origin: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, ca: tls ? loopback.cert : undefined };
}
