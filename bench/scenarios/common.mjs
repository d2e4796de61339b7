// What scenarios share: metrics with their units, and the shapes of jobs and targets.

export const requestMetrics = { cpu: 'CPU µs a request', rate: 'requests/s', p50: 'median ms', p99: 'p99 ms' };
export const transferMetrics = { cpu: 'CPU s a GB', rate: 'MB/s' };

/** So many small requests in flight, over `duration` milliseconds after a warm-up. */
export const inFlightJob = (inFlight, duration = 800) => ({
  work: 'requests',
  path: '/small',
  inFlight,
  warmUp: duration / 2,
  duration,
});

/** A target: our CPU a unit over a peer's, at most `max[0]` at first and `max[1]` then. */
export const cpuOver = (client, max, of = 'passinglane') => ({
  what: 'CPU',
  of,
  metric: 'cpu',
  over: { client },
  max,
});
