const streams = (count, batches) => ({
  work: 'streams',
  path: '/',
  streams: count,
  batches,
  patience: 15_000,
  flags: ['--expose-gc'],
});

export const streamsOpen = {
  name: 'streams-open',
  title: 'Streams held open at once on one connection',
  metrics: {
    open: 'opened',
    cpu: 'CPU µs a stream',
    heap: 'JavaScript bytes a stream',
    resident: 'resident bytes a stream',
  },
  variants: [
    {
      name: 'h2c',
      server: { kind: 'canned', behaviour: 'hold' },
      clients: [
        { name: 'passinglane, 10,000', client: 'passinglane', job: streams(10_000, 2) },
        { name: 'passinglane, 100', client: 'passinglane', job: streams(100, 100) },
        { name: 'node:http2, 100', client: 'node:http2', job: streams(100, 20) },
        { name: 'node:http2, 1,000', client: 'node:http2', job: streams(1_000, 2) },
        { name: 'node:http2, 10,000', client: 'node:http2', job: streams(10_000, 1), rounds: 1 },
      ],
      targets: [
        { what: 'streams opened', of: 'passinglane, 10,000', metric: 'open', min: [10_000] },
        { what: 'memory a stream', of: 'passinglane, 10,000', metric: 'heap', max: [3_072, 2_048] },
        {
          what: 'CPU a stream',
          of: 'passinglane, 10,000',
          metric: 'cpu',
          over: { client: 'passinglane, 100' },
          max: [1.25],
        },
      ],
    },
  ],
};

export const abortChurn = {
  name: 'abort-churn',
  title: '1,000,000 requests, half of them aborted at random points',
  metrics: {
    growth: 'heap growth, MB',
    heap: 'heap at the end, MB',
    open: 'streams left open',
    cpu: 'CPU µs a request',
    aborted: 'aborted',
  },
  variants: [
    {
      name: 'h2c',
      server: { kind: 'canned', behaviour: 'ragged' },
      rounds: 1,
      clients: [
        { client: 'passinglane', job: { work: 'churn', path: '/', requests: 1_000_000, flags: ['--expose-gc'] } },
      ],
      targets: [
        { what: 'heap growth, MB', of: 'passinglane', metric: 'growth', max: [5] },
        { what: 'streams left open', of: 'passinglane', metric: 'open', max: [0] },
      ],
    },
  ],
};
