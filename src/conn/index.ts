/** What other rooms use of this one. */
export { ClientConn, type ConnState } from './client-conn.js';
export { connectTimedOut, http1Only, noConnection } from './connect-errors.js';
export { ConnectionDriver } from './connection-driver.js';
export type { DriverConfig } from './driver-config.js';
export { ConnectionUse } from './connection-use.js';
export type { RetainedRead } from './retained-read.js';
export { OutsideConnections, type OutsideHost } from './outside-connections.js';
