import { inFlightJob, requestMetrics } from './common.mjs';

const files = { kind: 'files' };
const ours = (name, job) => ({ name, client: 'passinglane', job });

/** How cost a request moves with what there is more of. Its lines have no peer but, for requests in flight, node:http2. */
export const scaling = {
  name: 'scaling',
  title: 'Scaling: CPU a request with more in flight, more connections, more origins, more header fields',
  metrics: requestMetrics,
  rounds: 3,
  variants: [
    {
      name: 'in flight on one connection',
      server: files,
      clients: [1, 10, 100, 1_000, 10_000].flatMap((inFlight) => [
        ours(`passinglane, ${inFlight}`, inFlightJob(inFlight, 600)),
        { name: `node:http2, ${inFlight}`, client: 'node:http2', job: inFlightJob(inFlight, 600) },
      ]),
      targets: [],
    },
    {
      name: 'connections, 1,024 in flight over all',
      server: files,
      clients: [1, 4, 16, 64].map((connections) =>
        ours(`passinglane, ${connections}`, { ...inFlightJob(1_024, 600), connections }),
      ),
      targets: [],
    },
    {
      name: 'origins in one pool, 1,000 in flight over all',
      server: files,
      clients: [1, 10, 100, 1_000].map((origins) =>
        ours(`passinglane, ${origins}`, { ...inFlightJob(1_000, 600), origins }),
      ),
      targets: [],
    },
    {
      name: 'header fields of a request, one of them new each time, 100 in flight',
      server: files,
      clients: [3, 10, 30, 60].map((fields) => ours(`passinglane, ${fields}`, { ...inFlightJob(100, 600), fields })),
      targets: [],
    },
  ],
};
