// @grpc/grpc-js, with the same messages and the same serialisation as the Connect clients.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import grpc from '@grpc/grpc-js';
import { message } from './echo-service.mjs';

const serialize = (value) => globalThis.Buffer.from(toBinary(StringValueSchema, create(StringValueSchema, value)));
const deserialize = (bytes) => fromBinary(StringValueSchema, bytes);

export async function open(job) {
  const client = new grpc.Client(new URL(job.origin).host, grpc.credentials.createInsecure());
  return {
    get: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest('/bench.Echo/Say', serialize, deserialize, message, (error, answer) => {
          if (error) reject(error);
          else if (answer.value !== message.value) reject(new Error('another answer than expected'));
          else resolve();
        });
      }),
    close: async () => client.close(),
  };
}
