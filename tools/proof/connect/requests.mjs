// How a client is to ask, by the wire that its case is for: what the reference server of connectrpc/conformance checks.
import { codec, compression, httpVersion, nameOf, protocol } from './wire.mjs';

const types = new Map([
  [protocol.grpc, /^application\/grpc(?:\+(\w+))?$/],
  [protocol.grpcWeb, /^application\/grpc-web(?:\+(\w+))?$/],
  [protocol.connect, /^application\/(?:connect\+)?(\w+)$/],
]);

function encodingOf({ method, url, headers }) {
  if (method === 'GET') return new URL(url, 'http://localhost').searchParams.get('compression') ?? undefined;
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/grpc')) return headers['grpc-encoding'];
  return headers[type.startsWith('application/connect+') ? 'connect-content-encoding' : 'content-encoding'];
}

/** What is wrong with a request. */
export function* faultsOf(one, request) {
  const { headers, method, url } = request;
  const major = one.version === httpVersion.http2 ? 2 : 1;
  if (request.httpVersionMajor !== major) yield `it comes in HTTP/${request.httpVersion}`;
  const get = one.request.useGetHttpMethod;
  if (method !== (get ? 'GET' : 'POST')) yield `its method is ${method}`;
  if (get) {
    if (headers['content-type'] !== undefined) yield 'a GET has a content-type';
    const coded = new URL(url, 'http://localhost').searchParams.get('encoding');
    if (coded !== nameOf(codec, one.codec)) yield `its encoding is ${coded}`;
  } else {
    const type = types.get(one.protocol).exec(headers['content-type'] ?? '');
    if (type === null) yield `its content-type is ${headers['content-type']}`;
    else if ((type[1] ?? 'proto') !== nameOf(codec, one.codec)) yield `its codec is ${type[1]}`;
  }
  const compressed = encodingOf(request) ?? 'identity';
  if (compressed !== nameOf(compression, one.compression)) yield `its compression is ${compressed}`;
  if (one.protocol === protocol.grpc && headers.te !== 'trailers') yield 'it does not say te: trailers';
  if (one.clientCerts && request.socket.getPeerCertificate?.()?.fingerprint256 === undefined)
    yield 'it comes without a certificate';
}

const units = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** Takes the deadline out of a request's fields, in milliseconds; undefined: there is none. */
export function timeoutOf(headers) {
  const { 'connect-timeout-ms': connect, 'grpc-timeout': grpc } = headers;
  delete headers['connect-timeout-ms'];
  delete headers['grpc-timeout'];
  if (connect !== undefined) return Number(connect);
  const parts = /^(\d{1,8})([HMSmun])$/.exec(grpc ?? '');
  return parts === null ? undefined : Math.trunc(Number(parts[1]) * units[parts[2]]);
}
