/** The leaf over node:net, node:tls and the process's clock, as the root sees it. */
export { nodeClock } from './clock.js';
export { inRootContext } from './context.js';
export { isAllowedForHttp2 } from './tls.js';
export { NodeDialler, type DiallerOptions } from './dial.js';
export { SocketTransport } from './socket-transport.js';
