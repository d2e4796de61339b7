/** What other rooms use of this one, and what the layers above see of the protocol. */
export type { ByteSink, ByteTransport, ZeroCopyReads, TransportInfo } from './byte-transport.js';
export { type Clock, type TimerHandle, forever, setDeadline } from './clock.js';
export { DeadlineTimer } from './deadline-timer.js';
export {
  type CreateConnectionOptions,
  type Dialled,
  type Dialler,
  type DialRoute,
  type Origin,
  originKey,
  type OpenedStream,
  type StreamDialler,
} from './dialler.js';
export {
  describeConnection,
  type ZeroCopyBody,
  type HttpConnection,
  type OutgoingRequest,
  type RequestHandle,
  type ZeroCopyReader,
  type ResponseConnection,
  type Watcher,
} from './http-connection.js';
export {
  type AddressEvent,
  type ConnectionEvent,
  type DialTimes,
  type FrameEvent,
  type ObservedRequest,
  type Observer,
  type RequestEvent,
  type RequestTiming,
  connectionChannelNames,
  hearsConnection,
  hearsRequests,
  tellAddress,
  requestChannelNames,
  tellConnection,
  tellRequest,
} from './observer.js';
export {
  RequestKind,
  type ConnectionHealth,
  type ConnectionOwner,
  type Demand,
  type Http1Config,
  type PooledConnection,
} from './pooled-connection.js';
export { isTraced, makesSpans, marked, markedAs, traceAll } from './tracing.js';
export { isFieldValue, isToken, quoteName } from '../protocol/field-syntax.js';
export { blockedSince } from '../protocol/health.js';
export {
  bodyStart,
  BufferBudget,
  type ConnectionBeneath,
  type Health,
  HealthState,
  type StreamSink,
  Path,
} from '../protocol/index.js';
export { buildTrailerFields, fieldListSize } from '../protocol/request-fields.js';
