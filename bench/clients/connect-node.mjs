// connect-node's gRPC transport, over node:http2.
import { createGrpcTransport } from '@connectrpc/connect-node';
import { callsOver } from './echo-service.mjs';

export const open = (job) => callsOver(createGrpcTransport({ baseUrl: job.origin }));
