// @grpc/grpc-js with one client: unary calls, and streams of messages where there is bulk.
import { once } from 'node:events';
import grpc from '@grpc/grpc-js';

const same = (bytes) => bytes;
const message = globalThis.Buffer.alloc(65_536);

export async function open(job) {
  const { addresses = ['127.0.0.1'], port } = job;
  const client = new grpc.Client(
    `ipv4:${addresses.map((address) => `${address}:${port}`).join()}`,
    grpc.credentials.createSsl(globalThis.Buffer.from(job.ca)),
    { 'grpc.ssl_target_name_override': 'localhost', 'grpc.max_receive_message_length': -1 },
  );
  const unary = (path, bytes) =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, bytes, (error) => (error ? reject(error) : resolve()));
    });
  return {
    get: (path) => unary(path, globalThis.Buffer.alloc(0)),
    post: (path) => unary(path, globalThis.Buffer.alloc(1_024)),
    async upload(path, size) {
      const call = client.makeClientStreamRequest(path, same, same, () => undefined);
      call.on('error', () => undefined); // it ends with the process
      for (let left = size; left > 0; left -= message.length)
        if (!call.write(message)) await Promise.race([once(call, 'drain'), once(call, 'close')]);
      call.end();
    },
    async download(path) {
      const call = client.makeServerStreamRequest(path, same, same, globalThis.Buffer.alloc(0));
      await once(
        call.on('data', () => undefined),
        'end',
      );
    },
  };
}
