// passinglane's Transport.fetch, with default options.
import { Transport } from 'passinglane';

export async function open(job) {
  const transport = new Transport({ cleartext: 'h2c', ...(job.ca === undefined ? {} : { tls: { ca: job.ca } }) });
  const url = job.origin + job.path;
  return {
    async get() {
      const response = await transport.fetch(url);
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      await response.arrayBuffer();
    },
    close: async () => transport.destroy(),
  };
}
