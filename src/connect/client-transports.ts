import type { Transport as ConnectTransport } from '@connectrpc/connect';
import { validateReadWriteMaxBytes, type CommonTransportOptions } from '@connectrpc/connect/protocol';
import { createTransport as createConnect } from '@connectrpc/connect/protocol-connect';
import { createTransport as createGrpc } from '@connectrpc/connect/protocol-grpc';
import { createTransport as createGrpcWeb } from '@connectrpc/connect/protocol-grpc-web';
import { concealed, invalidArgument, orWasIt } from '../errors.js';
import { Transport } from '../index.js';
import { compressionBrotli, compressionGzip } from './compression.js';
import { createHttpClient, type Requester } from './http-client.js';

/**
 * Options of a client transport, with the names, meanings and defaults of `@connectrpc/connect-node`. Those of its
 * options that are about connections (`nodeOptions`, `sessionManager`, `pingIntervalMs` and the like) are options of
 * the passinglane `Transport` instead, and refused here.
 */
export interface ClientTransportOptions extends Partial<
  Omit<CommonTransportOptions, 'baseUrl' | 'httpClient' | 'useHttpGet'>
> {
  /** Where the service is; https:, or http:. A path is kept in front of the method's. */
  readonly baseUrl: string;
  /** Sends the requests. Default: one with default options, shared by all that do not bring their own. */
  readonly transport?: Requester | undefined;
  /**
   * What the default transport speaks to an http: URL: '2', HTTP/2 with prior knowledge, or '1.1'. ALPN decides for
   * https:. Your own transport says it with `cleartext`, and this is ignored. Default: '2'.
   */
  readonly httpVersion?: '2' | '1.1' | undefined;
}

/** Options of {@link createConnectTransport}. */
export interface ConnectTransportOptions extends ClientTransportOptions {
  /** Methods without side effects are called with GET. Default: false. */
  readonly useHttpGet?: boolean | undefined;
}

/** A client transport for the gRPC protocol. */
export function createGrpcTransport(options: ClientTransportOptions): ConnectTransport {
  return createGrpc(complete(options, common));
}

/** A client transport for the gRPC-web protocol. */
export function createGrpcWebTransport(options: ClientTransportOptions): ConnectTransport {
  return createGrpcWeb(complete(options, common));
}

/** A client transport for the Connect protocol. */
export function createConnectTransport(options: ConnectTransportOptions): ConnectTransport {
  return createConnect(complete(options, [...common, 'useHttpGet']));
}

const common = [
  'baseUrl',
  'transport',
  'httpVersion',
  'useBinaryFormat',
  'interceptors',
  'jsonOptions',
  'binaryOptions',
  'acceptCompression',
  'sendCompression',
  'compressMinBytes',
  'readMaxBytes',
  'writeMaxBytes',
  'defaultTimeoutMs',
];

function complete(options: ConnectTransportOptions, known: readonly string[]): CommonTransportOptions {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw invalidArgument('options', concealed(options), "an object with the option 'baseUrl'");
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      const allowed = `${known.join(', ')}; give what concerns connections to a Transport, as the option 'transport'`;
      throw invalidArgument(`option '${name}'`, concealed(value), allowed + orWasIt(name, known));
    }
  }
  checkBaseUrl(options.baseUrl);
  const { transport, httpVersion, readMaxBytes, writeMaxBytes, compressMinBytes, ...given } = options;
  return {
    ...given,
    httpClient: createHttpClient(transport ?? defaultTransport(httpVersion ?? '2')),
    useBinaryFormat: given.useBinaryFormat ?? true,
    useHttpGet: given.useHttpGet ?? false,
    interceptors: given.interceptors ?? [],
    sendCompression: given.sendCompression ?? null,
    acceptCompression: given.acceptCompression ?? [compressionGzip, compressionBrotli],
    ...validateReadWriteMaxBytes(readMaxBytes, writeMaxBytes, compressMinBytes),
  };
}

/** Connect-ES puts the method's path behind it as text, which is no path behind a query. */
function checkBaseUrl(baseUrl: unknown): void {
  const text = String(baseUrl);
  if (URL.canParse(text) && !/[?#]/.test(text) && /^https?:$/.test(new URL(text).protocol)) return;
  const shown = baseUrl === undefined ? undefined : text.replace(/\/\/[^/]*@|[?#].*$/gs, '...'); // without credentials
  throw invalidArgument(
    "option 'baseUrl'",
    shown,
    'https:// or http://, a host, and a path if need be; no query, no fragment',
  );
}

const shared = new Map<'2' | '1.1', Transport>();

function defaultTransport(httpVersion: '2' | '1.1'): Transport {
  if ((httpVersion as unknown) !== '2' && (httpVersion as unknown) !== '1.1')
    throw invalidArgument("option 'httpVersion'", httpVersion, "'2', '1.1'");
  let transport = shared.get(httpVersion);
  if (transport === undefined) {
    transport = new Transport({ cleartext: httpVersion === '2' ? 'h2c' : 'http/1.1' });
    shared.set(httpVersion, transport);
  }
  return transport;
}
