/**
 * The HTTP/2 connection as a state machine without I/O: what `passinglane/protocol` exports. Experimental: it may
 * change in any release until it also serves.
 */
export { Connection, type OpenInit } from './connection.js';
export type { ConnectionBeneath, ConnectionConfig, ConnectionEvents } from './connection-state.js';
export { BufferBudget } from './credit.js';
export { HealthState, type ConnectionNumbers, type Health } from './health.js';
export type { Failure } from './lifecycle.js';
export { Path } from './path.js';
export { SharedBlock } from './repeated-block.js';
export { buildRequestFields, buildTrailerFields, declaredLength, type RequestHead } from './request-fields.js';
export { bodyStart } from './send-window.js';
export { Stream, type StreamInit, type StreamSink } from './stream.js';
export { StreamInput, StreamState, states, inputs, transitions } from './stream-state.js';
export type { FrameRecord, FrameTrace } from './trace.js';
export { ErrorCode } from '../wire/index.js';
