// The service of connectrpc/conformance on connect-node's server: it answers as the request tells it to, and watches how the
// client asks.
import { createServer as createHttp1 } from 'node:http';
import { createSecureServer, createServer as createHttp2 } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt';
import { ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { faultsOf, timeoutOf } from './requests.mjs';
import { compression, httpVersion, packageName, wait } from './wire.mjs';

const pack = new Map([
  [compression.gzip, gzipSync],
  [compression.br, brotliCompressSync],
]);

/** What a RawHTTPResponse has as its body. */
function rawBody({ case: kind, value }) {
  if (kind === 'unary') return contents(value);
  if (kind !== 'stream') return Buffer.alloc(0);
  const parts = value.items.flatMap(({ flags, length, payload }) => {
    const bytes = payload === undefined ? Buffer.alloc(0) : contents(payload);
    const prefix = Buffer.alloc(5);
    prefix[0] = flags;
    prefix.writeUInt32BE(length ?? bytes.length, 1);
    return [prefix, bytes];
  });
  return Buffer.concat(parts);
}

function contents({ data, compression: by }) {
  const bytes = { binary: () => data.value, text: () => data.value, binaryMessage: () => data.value.value }[
    data.case
  ]?.();
  return (pack.get(by) ?? Buffer.from)(Buffer.from(bytes ?? ''));
}

async function answerRaw(request, response, raw) {
  for await (const part of request) void part; // all of it, before the answer
  const fields = new Map();
  const add = (name, value) => fields.set(name, [...(fields.get(name) ?? []), ...value]);
  for (const { name, value } of raw.headers) add(name.toLowerCase(), value);
  response.sendDate = false;
  if (raw.trailers.length > 0 && request.httpVersionMajor === 1)
    add(
      'trailer',
      raw.trailers.map(({ name }) => name),
    );
  response.writeHead(raw.statusCode || 200, Object.fromEntries(fields));
  response.write(rawBody(raw.body));
  for (const { name, value } of raw.trailers) response.addTrailers({ [name]: value.length === 1 ? value[0] : value });
  response.end();
}

function serviceOf(registry, timeouts) {
  const message = (name) => registry.getMessage(`${packageName}.${name}`);
  const infoSchema = message('ConformancePayload.RequestInfo');
  const header = ([name, value]) => create(message('Header'), { name, value: [value] });

  const infoOf = (context, requests) => {
    const url = new URL(context.url);
    const connectGetInfo =
      url.search === ''
        ? undefined
        : create(message('ConformancePayload.ConnectGetInfo'), { queryParams: [...url.searchParams].map(header) });
    const timeoutMs = timeouts.get(context.requestHeader.get('x-test-case-name'));
    return create(infoSchema, {
      requestHeaders: [...context.requestHeader].map(header),
      requests,
      connectGetInfo,
      ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(timeoutMs) }),
    });
  };
  const packed = (request) => anyPack(registry.getMessage(request.$typeName), request);
  const errorOf = ({ code, message: text = '', details }, info, metadata) => {
    const all = info === undefined ? details : [...details, anyPack(infoSchema, info)];
    const outgoing = all.map((any) => {
      const value = anyUnpack(any, registry);
      return { desc: registry.getMessage(value.$typeName), value };
    });
    return new ConnectError(text, code, metadata, outgoing);
  };
  const addAll = (target, fields) => {
    for (const { name, value } of fields) for (const one of value) target.append(name, one);
  };

  const unary = async (name, definition, requests, context) => {
    const requestInfo = infoOf(context, requests);
    if (definition === undefined)
      return create(message(name), { payload: create(message('ConformancePayload'), { requestInfo }) });
    await wait(definition.responseDelayMs);
    addAll(context.responseHeader, definition.responseHeaders);
    addAll(context.responseTrailer, definition.responseTrailers);
    const { case: kind, value } = definition.response;
    if (kind === 'error') throw errorOf(value, requestInfo);
    const data = kind === 'responseData' ? value : new Uint8Array();
    return create(message(name), { payload: create(message('ConformancePayload'), { requestInfo, data }) });
  };
  const part = (name, data, requestInfo) =>
    create(message(name), { payload: create(message('ConformancePayload'), { data, requestInfo }) });

  return {
    unary: (request, context) => unary('UnaryResponse', request.responseDefinition, [packed(request)], context),
    idempotentUnary: (request, context) =>
      unary('IdempotentUnaryResponse', request.responseDefinition, [packed(request)], context),
    async clientStream(requests, context) {
      const all = [];
      let definition;
      for await (const request of requests) {
        if (all.length === 0) definition = request.responseDefinition;
        all.push(packed(request));
      }
      return unary('ClientStreamResponse', definition, all, context);
    },
    async *serverStream(request, context) {
      const definition = request.responseDefinition;
      if (definition === undefined) return;
      addAll(context.responseHeader, definition.responseHeaders);
      addAll(context.responseTrailer, definition.responseTrailers);
      const info = infoOf(context, [packed(request)]);
      for (const [index, data] of definition.responseData.entries()) {
        await wait(definition.responseDelayMs);
        yield part('ServerStreamResponse', data, index === 0 ? info : undefined);
      }
      if (definition.error !== undefined)
        throw errorOf(definition.error, definition.responseData.length === 0 ? info : undefined);
    },
    async *bidiStream(requests, context) {
      let definition;
      let fullDuplex = false;
      let sent = 0;
      let first = true;
      let unanswered = [];
      const next = (info) => part('BidiStreamResponse', definition.responseData[sent++], info);
      for await (const request of requests) {
        unanswered.push(packed(request));
        if (first) {
          first = false;
          ({ responseDefinition: definition, fullDuplex } = request);
          addAll(context.responseHeader, definition?.responseHeaders ?? []);
          addAll(context.responseTrailer, definition?.responseTrailers ?? []);
        }
        if (!fullDuplex) continue;
        if (sent >= (definition?.responseData.length ?? 0)) break;
        await wait(definition.responseDelayMs);
        const info = sent === 0 ? infoOf(context, unanswered) : create(infoSchema, { requests: unanswered });
        unanswered = [];
        yield next(info);
      }
      if (definition === undefined) return;
      while (sent < definition.responseData.length) {
        await wait(definition.responseDelayMs);
        yield next(sent === 0 ? infoOf(context, unanswered) : undefined);
      }
      if (definition.error !== undefined)
        throw errorOf(definition.error, sent === 0 ? infoOf(context, unanswered) : undefined);
    },
  };
}

/**
 * Starts it. `cases` are by name. `faults` hears of what a client does otherwise than the case's wire says.
 * @returns `{ origin, close() }`
 */
export async function startReference(registry, cases, { version, tls, clientCerts, certificates }, faults) {
  const timeouts = new Map();
  const seen = new Set();
  const service = registry.getService(`${packageName}.ConformanceService`);
  const adapter = connectNodeAdapter({
    routes: (router) => void router.service(service, serviceOf(registry, timeouts)),
    compressMinBytes: 0,
    jsonOptions: { registry },
  });
  const handle = (request, response) => {
    const name = request.headers['x-test-case-name'];
    const one = cases.get(name);
    if (one === undefined) return void response.writeHead(404).end();
    if (seen.has(name)) faults(name, 'it is sent more than once');
    seen.add(name);
    for (const fault of faultsOf(one, request)) faults(name, fault);
    // Taken away, so that it is the client that has to keep to it.
    const timeout = timeoutOf(request.headers);
    if (timeout !== undefined) timeouts.set(name, timeout);
    if (one.raw !== undefined) return void answerRaw(request, response, one.raw).catch(() => response.destroy());
    adapter(request, response);
  };
  const options = {
    ...(tls ? { cert: certificates.loopback.cert, key: certificates.loopback.key } : {}),
    ...(clientCerts ? { requestCert: true, rejectUnauthorized: true, ca: certificates.client.cert } : {}),
  };
  const makers = version === httpVersion.http2 ? [createHttp2, createSecureServer] : [createHttp1, createHttps];
  const server = makers[tls ? 1 : 0](options, handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    origin: `${tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
