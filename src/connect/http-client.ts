import type { UniversalClientFn, UniversalClientRequest, UniversalClientResponse } from '@connectrpc/connect/protocol';
import { invalidArgument } from '../errors.js';
import type { ClientResponse, RequestOptions, Transport } from '../index.js';
import { toConnectError } from './connect-errors.js';

/** What the adapter needs of a Transport. */
export type Requester = Pick<Transport, 'request'>;

/**
 * A Connect-ES `UniversalClientFn` over a transport: what `createTransport` of `@connectrpc/connect/protocol-grpc`,
 * `protocol-grpc-web` and `protocol-connect` takes as `httpClient`. It resolves with the response's headers, whether or
 * not the request's body has ended. Failures are ConnectErrors whose `cause` is the TransportError.
 */
export function createHttpClient(transport: Requester): UniversalClientFn {
  if (typeof (transport as Partial<Requester> | null)?.request !== 'function')
    throw invalidArgument('transport', transport, 'a Transport, or a view of one');
  return async (request) => {
    try {
      return toUniversal(await transport.request(request.url, requestOptions(request)));
    } catch (error) {
      throw toConnectError(error);
    }
  };
}

function requestOptions(request: UniversalClientRequest): RequestOptions {
  const { method, header, body, signal } = request;
  // Compression is the protocol's business: a body decoded here would be decoded twice.
  return { method, headers: header, body: body ?? null, signal, decompress: false };
}

function toUniversal(response: ClientResponse): UniversalClientResponse {
  const trailer = new Headers();
  return {
    status: response.status,
    header: response.headers,
    body: new MessageBody(response, trailer),
    trailer,
  };
}

/** The response's body, at whose end `trailer` has been filled. */
class MessageBody implements AsyncIterableIterator<Uint8Array> {
  private readonly response: ClientResponse;
  private readonly trailer: Headers;
  private readonly chunks: AsyncIterator<Uint8Array, undefined>;

  constructor(response: ClientResponse, trailer: Headers) {
    this.response = response;
    this.trailer = trailer;
    this.chunks = response.body[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      const step = await this.chunks.next();
      if (step.done === true) {
        for (const [name, value] of await this.response.trailers) this.trailer.append(name, value);
      }
      return step;
    } catch (error) {
      throw toConnectError(error);
    }
  }

  /** Nobody wants the rest. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.response.body.cancel();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Connect-ES says with this that what comes after the transport has failed. */
  throw(error: unknown): Promise<never> {
    this.response.body.cancel(error);
    return Promise.reject(error);
  }
}
