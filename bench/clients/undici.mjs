// undici's request() over its own HTTP/2, on one client with room for all requests in flight.
import { performance } from 'node:perf_hooks';

/** A dispatcher of one connection that speaks HTTP/2 from the first request on. */
export async function dispatcherFor(job) {
  const { Client, H2CClient } = await import(job.undici);
  const inFlight = Math.max(100, job.inFlight ?? 0);
  const room = { maxConcurrentStreams: inFlight, pipelining: inFlight };
  if (job.ca === undefined) return new H2CClient(job.origin, room);
  return new Client(job.origin, { ...room, allowH2: true, connect: { ca: job.ca } });
}

export async function open(job) {
  const dispatcher = await dispatcherFor(job);
  const { path } = job;
  return {
    async get() {
      const { statusCode, body } = await dispatcher.request({ method: 'GET', path });
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      await body.dump();
    },
    async downloadFor(size, time) {
      const end = performance.now() + time;
      let bytes = 0;
      const { body } = await dispatcher.request({ method: 'GET', path: `/bytes-${size}` });
      for await (const piece of body) {
        bytes += piece.length;
        if (bytes >= size || performance.now() >= end) break;
      }
      return bytes;
    },
    close: async () => dispatcher.destroy(),
  };
}
