// What a facade costs, beside its parts: what stands above it, over something that answers at once, and our request() below it.
import { inFlightJob } from './common.mjs';

const job = inFlightJob(100);
const files = { kind: 'files', tls: true };
const own = 'passinglane';

/** One facade: all of it, its parts, and how much more than these together it may cost. */
const facade = (name, server, whole, above, below, max) => ({
  name,
  server,
  clients: [...whole, ...above, ...below].map((one) => ({ ...one, job: { ...job, ...one.job } })),
  targets: [
    {
      what: 'CPU',
      of: whole[0].name,
      metric: 'cpu',
      over: { client: above[0].name, plus: below[0].name },
      max: [max],
    },
  ],
});

const undici = (of, max) =>
  facade(
    `undici's ${of}`,
    files,
    [
      {
        name: `undici's ${of} over H2Dispatcher`,
        client: 'everyday',
        job: { as: of === 'fetch' ? 'passinglane/undici fetch' : 'passinglane/undici', read: 'bytes' },
      },
    ],
    [{ name: `undici's ${of} over an instant dispatcher`, client: 'undici ceiling', job: { of, read: 'bytes' } }],
    [{ name: `${own}: request()`, client: 'everyday', job: { as: own, read: 'bytes' } }],
    max,
  );

export const parts = {
  name: 'parts',
  title: 'What stands over our request(), beside its parts: 100 in flight',
  metrics: { cpu: 'CPU µs a call', rate: 'calls/s' },
  variants: [
    facade(
      'gRPC, unary, h2c',
      { kind: 'canned', behaviour: 'grpc' },
      [{ name: 'passinglane/connect', client: 'passinglane/connect' }],
      [{ name: 'Connect-ES over an instant client', client: 'Connect ceiling' }],
      [{ name: `${own}: request()`, client: 'grpc request' }],
      1.1,
    ),
    undici('request', 1.15),
    undici('fetch', 1.15),
  ],
};
