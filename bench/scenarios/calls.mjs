import { cpuOver, inFlightJob } from './common.mjs';

const ours = 'passinglane/connect';
const over = (client, min) => ({ what: 'calls/s', of: ours, metric: 'rate', over: { client }, min });

export const grpc = {
  name: 'grpc',
  title: 'Unary gRPC calls: 100 in flight, h2c',
  metrics: { rate: 'calls/s', cpu: 'CPU µs a call', p50: 'median ms', p99: 'p99 ms' },
  variants: [
    {
      name: 'h2c',
      server: { kind: 'canned', behaviour: 'grpc' },
      clients: [ours, 'connect-node', 'grpc-js', 'Connect ceiling'].map((client) => ({
        client,
        job: inFlightJob(100),
      })),
      targets: [
        ...[over('connect-node', [1.7]), over('grpc-js', [0.8])],
        // The same by CPU time, which a busy machine moves less.
        ...[cpuOver('connect-node', [1 / 1.7], ours), cpuOver('grpc-js', [1 / 0.8], ours)],
      ],
    },
  ],
};
