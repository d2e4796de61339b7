/**
 * `request` and `get` in the shape of node:http's, over HTTP/2: for got's `request` option and programs like it. What
 * they do and do not is listed in docs/http.md.
 */
import type { ClientRequest as NodeRequest, IncomingMessage as NodeResponse } from 'node:http';
import type { RequestOptions as NodeOptions } from 'node:https';
import { invalidArgument } from '../errors.js';
import { ClientRequest } from './client-request.js';
import type { IncomingMessage } from './incoming-message.js';
import { connectionSettings, TransportsBySettings } from './per-call.js';
import type { Requester } from './send.js';
import { mergeOptions, toTarget } from './target.js';

export type { Requester } from './send.js';

type OnResponse = (response: NodeResponse) => void;

/** As `request` of node:http and node:https, one function for both. */
export type RequestFunction = (
  url: string | URL | NodeOptions,
  options?: NodeOptions | OnResponse,
  onResponse?: OnResponse,
) => NodeRequest;

/** Gives the transport for a call's options. Throws what the caller did wrong. */
type Choose = (options: NodeOptions) => Requester;

/**
 * `request` and `get` over a transport of yours. A call that brings connection options (`ca`, `socketPath`, `agent`...)
 * is refused with ERR_INVALID_ARG_VALUE: they belong to the transport.
 */
export function createRequest(transport: Requester): {
  readonly request: RequestFunction;
  readonly get: RequestFunction;
} {
  if (typeof (transport as Partial<Requester> | null)?.request !== 'function')
    throw invalidArgument('transport', transport, 'a Transport, or a view of one');
  return functions((options) => {
    const settings = connectionSettings(options);
    if (settings === undefined) return transport;
    const [name = '', value] = Object.entries(settings)[0] ?? [];
    const shown = typeof value === 'string' ? 'a string' : value;
    throw invalidArgument(
      `option '${name}'`,
      shown,
      'undefined; give it to the Transport that createRequest was given',
    );
  });
}

function functions(choose: Choose): { readonly request: RequestFunction; readonly get: RequestFunction } {
  const request: RequestFunction = (url, second, third) => {
    const options = mergeOptions(url, typeof second === 'function' ? undefined : second);
    const onResponse = typeof second === 'function' ? second : third;
    const made = new ClientRequest(
      choose(options),
      toTarget(options),
      onResponse as ((response: IncomingMessage) => void) | undefined,
    );
    // Ours has what programs use of node:http's, not all of it: docs/http.md lists both.
    return made as unknown as NodeRequest;
  };
  const get: RequestFunction = (...args) => {
    const made = request(...args);
    made.end();
    return made;
  };
  return { request, get };
}

const transports = new TransportsBySettings();
const shared = functions((options) => transports.for(connectionSettings(options)));

/**
 * As `request` of node:http and node:https, over shared transports with default options: one for all calls without
 * connection options of their own (`ca`, `cert`, `socketPath`, `lookup`...), and one for each set of those.
 */
export const request: RequestFunction = shared.request;

/** {@link request}, ended: for requests without a body. */
export const get: RequestFunction = shared.get;
