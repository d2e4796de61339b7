// The client libraries that the cases are put to: the same options for both.
import * as node from '@connectrpc/connect-node';
import { codec, compression, httpVersion, nameOf, protocol } from './wire.mjs';
import * as ours from '../../../lib/connect/index.js';
import { Transport } from '../../../lib/index.js';

const makers = new Map([
  [protocol.connect, 'createConnectTransport'],
  [protocol.grpc, 'createGrpcTransport'],
  [protocol.grpcWeb, 'createGrpcWebTransport'],
]);

function optionsOf(one, registry, { compressionGzip, compressionBrotli }) {
  const { [nameOf(compression, one.compression)]: used } = { gzip: compressionGzip, br: compressionBrotli };
  return {
    jsonOptions: { registry },
    useBinaryFormat: one.codec === codec.proto,
    acceptCompression: used === undefined ? [] : [used],
    sendCompression: used ?? null,
    compressMinBytes: 0,
    readMaxBytes: one.request.messageReceiveLimit || undefined,
    ...(one.request.useGetHttpMethod ? { useHttpGet: true } : {}),
  };
}

export const passinglane = {
  name: 'passinglane',
  /** Connections to one server; what `transport` makes for a case uses them. */
  connect({ origin, version, tls, registry }) {
    const transport = new Transport({ cleartext: version === httpVersion.http2 ? 'h2c' : 'http/1.1', tls });
    return {
      transport: (one) =>
        ours[makers.get(one.protocol)]({ baseUrl: origin, transport, ...optionsOf(one, registry, ours) }),
      close: () => transport.destroy(),
    };
  },
};

export const connectNode = {
  name: 'connect-node',
  connect({ origin, version, tls, registry }) {
    const http2 = version === httpVersion.http2;
    const sessionManager = http2 ? new node.Http2SessionManager(origin, {}, tls) : undefined;
    const how = http2 ? { sessionManager, httpVersion: '2' } : { httpVersion: '1.1', nodeOptions: tls };
    return {
      transport: (one) =>
        node[makers.get(one.protocol)]({ baseUrl: origin, ...how, ...optionsOf(one, registry, node) }),
      close: () => sessionManager?.abort(),
    };
  },
};
