// Connect-ES's gRPC over passinglane/connect.
import { createGrpcTransport } from 'passinglane/connect';
import { Transport } from 'passinglane';
import { callsOver } from './echo-service.mjs';

export const open = (job) =>
  callsOver(createGrpcTransport({ baseUrl: job.origin, transport: new Transport({ cleartext: 'h2c' }) }));
