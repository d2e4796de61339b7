// undici's fetch() over its own HTTP/2.
import { dispatcherFor } from './undici.mjs';

export async function open(job) {
  const { fetch } = await import(job.undici);
  const dispatcher = await dispatcherFor(job);
  const url = job.origin + job.path;
  return {
    async get() {
      const response = await fetch(url, { dispatcher });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      await response.arrayBuffer();
    },
    close: async () => dispatcher.destroy(),
  };
}
