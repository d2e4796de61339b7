// passinglane's Transport.request with default options, beside what blocks.
import { Transport } from 'passinglane';
import { addressesOf, pieces } from './common.mjs';

export async function open(job) {
  const transport = new Transport({ tls: { ca: job.ca }, ...addressesOf(job) });
  const call = async (path, options) => {
    const response = await transport.request(`https://localhost:${job.port}${path}`, options);
    await response.body.dump();
  };
  return {
    get: (path) => call(path),
    post: (path) => call(path, { method: 'POST', body: 'x'.repeat(1_024) }),
    upload: (path, size) => call(path, { method: 'POST', body: pieces(size) }),
    download: (path) => call(path),
  };
}
