/**
 * Connect-ES clients (Connect, gRPC and gRPC-web) over a passinglane Transport. Needs the packages
 * `@connectrpc/connect` and `@bufbuild/protobuf`.
 */
export {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type ClientTransportOptions,
  type ConnectTransportOptions,
} from './client-transports.js';
export { compressionBrotli, compressionGzip } from './compression.js';
export { createHttpClient, type Requester } from './http-client.js';
