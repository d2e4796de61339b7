// undici's own request(), on passinglane's dispatcher.
import { Transport } from 'passinglane';
import { H2Dispatcher } from 'passinglane/undici';

export async function open(job) {
  const { request } = await import(job.undici);
  const transport = new Transport({ cleartext: 'h2c', ...(job.ca === undefined ? {} : { tls: { ca: job.ca } }) });
  const dispatcher = new H2Dispatcher(transport);
  const url = job.origin + job.path;
  return {
    async get() {
      const { statusCode, body } = await request(url, { dispatcher });
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      await body.dump();
    },
    close: async () => transport.destroy(),
  };
}
