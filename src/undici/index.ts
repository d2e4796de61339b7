/** `passinglane/undici`: HTTP/2 under undici and the built-in fetch, without a need for undici itself. */
export type {
  Dispatch,
  DispatchController,
  DispatchHandler,
  DispatchHeaders,
  DispatchOptions,
  IncomingHeaders,
  Interceptor,
} from './contract.js';
export type * from './api-types.js';
export type { BodyReadable } from './body-readable.js';
export type { DispatcherOptions } from './dispatcher.js';
export type { Http1Dispatcher } from './http1-dispatcher.js';
export { H2Dispatcher } from './h2-dispatcher.js';
export { install, uninstall } from './install.js';
