import type { ClientResponse, RequestOptions } from '../index.js';
import { originOf } from '../pool/index.js';
import type { RequestHooks } from '../request/index.js';
import { submit, type BaseTransport } from '../transport.js';
import type { HeaderPair } from './redirect.js';

/** What the command line asks for beyond {@link RequestOptions}. */
interface Sending {
  /** In HTTP/1.1, whatever else the server offers. */
  readonly http1: boolean;
  readonly hooks: RequestHooks;
}

export function sendRequest(
  transport: BaseTransport,
  url: URL,
  headers: readonly HeaderPair[],
  options: Omit<RequestOptions, 'headers'>,
  { http1, hooks }: Sending,
): Promise<ClientResponse> {
  return new Promise((resolve, reject) => {
    const parts = { origin: originOf(url), path: url.pathname + url.search, fields: headers.flat(), hooks };
    submit(transport, { ...parts, options, upgrade: http1 ? 'only' : undefined }, resolve, reject);
  });
}
