// The service of the gRPC benchmarks: one unary call, from a string to a string, described without generated code.
import { create, createFileRegistry } from '@bufbuild/protobuf';
import { file_google_protobuf_wrappers, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

const stringValue = '.google.protobuf.StringValue';
const file = create(FileDescriptorProtoSchema, {
  name: 'echo.proto',
  package: 'bench',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [{ name: 'Echo', method: [{ name: 'Say', inputType: stringValue, outputType: stringValue }] }],
});
const registry = createFileRegistry(file, (name) =>
  name === 'google/protobuf/wrappers.proto' ? file_google_protobuf_wrappers.proto : undefined,
);

export const Echo = registry.getService('bench.Echo');

/** What every call sends, and what comes back. */
export const message = { value: 'a message of thirty characters' };

/** A client module's `open` for a Connect-ES transport. */
export async function callsOver(transport) {
  const { createClient } = await import('@connectrpc/connect');
  const client = createClient(Echo, transport);
  return {
    async get() {
      const answer = await client.say(message);
      if (answer.value !== message.value) throw new Error('another answer than expected');
    },
    close: async () => undefined,
  };
}
