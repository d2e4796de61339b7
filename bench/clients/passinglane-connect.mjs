// Connect-ES's gRPC over passinglane/connect.
import { createGrpcTransport } from '../../dist/connect/index.js';
import { Transport } from '../../dist/index.js';
import { callsOver } from './echo-service.mjs';

export const open = (job) =>
  callsOver(createGrpcTransport({ baseUrl: job.origin, transport: new Transport({ cleartext: 'h2c' }) }));
