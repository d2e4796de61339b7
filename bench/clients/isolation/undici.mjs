// undici's Agent as it comes, with HTTP/2 allowed.
import { addressesOf, pieces } from './common.mjs';

export async function open(job) {
  const { Agent, request } = await import(job.undici);
  const dispatcher = new Agent({ allowH2: true, connect: { ca: job.ca, ...addressesOf(job) } });
  const call = async (path, options) => {
    const { body } = await request(`https://localhost:${job.port}${path}`, { dispatcher, ...options });
    await body.dump({ limit: Infinity });
  };
  return {
    get: (path) => call(path),
    post: (path) => call(path, { method: 'POST', body: 'x'.repeat(1_024) }),
    upload: (path, size) => call(path, { method: 'POST', body: pieces(size) }),
    download: (path) => call(path),
  };
}
