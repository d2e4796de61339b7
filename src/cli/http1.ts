import type { ClientResponse, RequestOptions } from '../index.js';
import { originOf } from '../pool/index.js';
import { submit, type BaseTransport } from '../transport.js';
import type { HeaderPair } from './redirect.js';

/** The request in HTTP/1.1, whatever else the server offers. */
export function requestHttp1(
  transport: BaseTransport,
  url: URL,
  headers: readonly HeaderPair[],
  options: Omit<RequestOptions, 'headers'>,
): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const parts = { origin: originOf(url), path: url.pathname + url.search, fields: headers.flat(), hooks: undefined };
    submit(transport, { ...parts, options, upgrade: 'only' }, resolve, reject);
  });
}
