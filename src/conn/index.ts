/** Layer 2, as the layers above see it. */
export { BufferBudget, HealthState, type Health, type OpenInit } from '../protocol/index.js';
export { isFieldValue, isToken, quoteName } from '../protocol/field-syntax.js';
export { buildTrailerFields, fieldListSize } from '../protocol/request-fields.js';
export type { ByteSink, ByteTransport, TransportInfo } from './byte-transport.js';
export type { CarriedStream, Carrier, Outgoing, Outlet, Watcher } from './carrier.js';
export { ClientConn, type ConnState } from './client-conn.js';
export {
  ClientResponse,
  receivedFields,
  receivedTrailers,
  wireFields,
  describeConnection,
  type ResponseConnection,
} from './client-response.js';
export { forwardableHeaders } from './forwardable-headers.js';
export { isIncomingRequest } from './incoming-request.js';
export { LatestMap } from './latest-map.js';
export { forever, setDeadline, type Clock, type TimerHandle } from './clock.js';
export { ConnectionUse } from './connection-use.js';
export { ConnectionDriver, type DriverConfig, type DriverOwner } from './connection-driver.js';
export type { CreateConnectionOptions, Dialled, Dialler, Origin } from './dialler.js';
export { Exchange, type ExchangeHost } from './exchange.js';
export type { Http1Config, Http1Connection, Http1Owner, OpenHttp1 } from './http1.js';
export {
  hearsConnection,
  tellConnection,
  type ConnectionEvent,
  type DialTimes,
  type FrameEvent,
  type ObservedRequest,
  type Observer,
  type RequestEvent,
} from './observer.js';
export { normalizeMethod } from './methods.js';
export { prepareParts, prepareRequest, type RequestDefaults, type RequestParts } from './prepare-request.js';
export type { PreparedRequest } from './prepared-request.js';
export type { BodyValue, RequestBodyInit } from './request-body.js';
export type { RequestHooks } from './request-hooks.js';
export { nameRequest } from './request-line.js';
export { parseUrl, pathOf, Targets } from './targets.js';
export {
  checkTime,
  isRecord,
  checkWait,
  type HeadersInput,
  type RequestOptions,
  type RequestPriority,
} from './request-options.js';
export type { ChunkReader } from './body-source.js';
export { chunksOf, gatheredFrom, sourceOf, type ResponseBody } from './response-body.js';
export { WaitQueue } from './wait-queue.js';
