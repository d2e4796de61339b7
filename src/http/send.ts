import type { Origin } from '../ports/index.js';
import { invalidArgument } from '../errors.js';
import type { ClientResponse, RequestOptions, Transport } from '../index.js';
import { BaseTransport, submit } from '../transport.js';

/** What the facade needs of a Transport. */
export type Requester = Pick<Transport, 'request'>;

/**
 * Sends a request of checked parts: over a Transport as they are, over whatever else has its `request` as a URL.
 * `onSent` is called when all of it has been handed to a connection; where nobody tells, when the response is there.
 */
export function send(
  requester: Requester,
  { origin, path }: { readonly origin: Origin; readonly path: string },
  fields: readonly (readonly [name: string, value: string])[],
  options: RequestOptions,
  onSent: () => void,
): Promise<ClientResponse> {
  if (requester instanceof BaseTransport) {
    const hooks = { onAssigned: () => undefined, onSent };
    return new Promise((resolve, reject) => {
      const { onInformational } = options;
      submit(requester, { origin, path, fields: fields.flat(), options, hooks, onInformational }, resolve, reject);
    });
  }
  if (path === '*')
    return Promise.reject(invalidArgument("option 'path'", path, "what begins with '/': no URL says it"));
  return requester.request(origin.href + path, { ...options, headers: fields }).then((response) => {
    onSent();
    return response;
  });
}
