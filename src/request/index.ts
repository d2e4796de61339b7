/** What other rooms use of this one. */
export { basicCredentials, credentialsOf } from './basic-credentials.js';
export { type Check, checkTime, integer, isRecord, share, statuses } from './checks.js';
export { type ClientResponse, receivedFields, receivedTrailers, statusTextOf, wireFields } from './client-response.js';
export { Exchange } from './exchange.js';
export type { AttemptWatcher, ExchangeHost } from './exchange-host.js';
export { Hedge } from './hedge.js';
export type { RequestRetry } from './retry-options.js';
export { type HedgeOptions, type HedgeSettings, checkHedge, resolveHedge } from './hedge-options.js';
export { forwardableHeaders } from './forwardable-headers.js';
export { intercept, type InterceptedRequest, type Interceptor, type Next } from './interceptors.js';
export { normalizeMethod } from './methods.js';
export {
  type RequestDefaults,
  type RequestParts,
  checkFields,
  flatten,
  prepareParts,
  prepareRequest,
} from './prepare-request.js';
export type { PreparedRequest } from './prepared-request.js';
export type { RequestHooks } from './request-hooks.js';
export {
  type HeadersInput,
  type RequestOptions,
  type RequestPriority,
  type WaitOptions,
  checkRequestOptions,
  checkWait,
} from './request-options.js';
export { headersOf, toIntercepted } from './to-intercepted.js';
export { Targets, parseUrl, pathOf, urlOf } from './targets.js';
export { TunnelBody, TunnelStream } from './tunnel.js';
export { WaitQueue } from './wait-queue.js';
