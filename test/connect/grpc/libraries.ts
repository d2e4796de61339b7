/** The client libraries that the cases are put to. */
import { createGrpcTransport as createByNode, Http2SessionManager } from '@connectrpc/connect-node';
import { createGrpcTransport } from '../../../dist/connect/index.js';
import { Transport } from '../../../dist/index.js';
import type { Library } from './cases.js';

export const passinglane: Library = {
  name: 'passinglane',
  connect({ origin, ca }, options = {}) {
    const connections = new Transport({ cleartext: 'h2c', tls: ca === undefined ? {} : { ca } });
    const transport = createGrpcTransport({ baseUrl: origin, transport: connections, ...options });
    return { transport, close: () => connections.close({ timeout: 1_000 }) };
  },
};

export const connectNode: Library = {
  name: 'connect-node',
  connect({ origin, ca }, options = {}) {
    const sessionManager = new Http2SessionManager(origin, {}, ca === undefined ? {} : { ca });
    const transport = createByNode({ baseUrl: origin, sessionManager, ...options });
    return { transport, close: () => sessionManager.abort() };
  },
};
