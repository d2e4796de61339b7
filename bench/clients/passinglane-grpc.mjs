// The bytes of a unary gRPC call through our request(), without a library that makes and reads messages.
import { Buffer } from 'node:buffer';
import { Transport } from 'passinglane';

const text = Buffer.from('a message of thirty characters');
const message = Uint8Array.from([0, 0, 0, 0, text.length + 2, 0x0a, text.length, ...text]);

export async function open(job) {
  const transport = new Transport({ cleartext: 'h2c' });
  const url = `${job.origin}/bench.Echo/Say`;
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/grpc+proto', te: 'trailers' },
    body: message,
  };
  return {
    async get() {
      const response = await transport.request(url, options);
      const bytes = await response.bytes();
      const trailers = await response.trailers;
      if (bytes.length !== message.length || trailers.get('grpc-status') !== '0') throw new Error('another answer');
    },
    close: async () => transport.destroy(),
  };
}
