// A gRPC client by Connect-ES over passinglane. Needs @connectrpc/connect and @bufbuild/protobuf.
import { Buffer } from 'node:buffer';
import { create, toBinary } from '@bufbuild/protobuf';
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema, file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { Transport } from 'passinglane';
import { createGrpcTransport } from 'passinglane/connect';

// A code generator writes this from a .proto file; here it is said by hand.
const text = { inputType: '.google.protobuf.StringValue', outputType: '.google.protobuf.StringValue' };
const proto = create(FileDescriptorProtoSchema, {
  name: 'greeter.proto',
  package: 'example',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [
    {
      name: 'Greeter',
      method: [
        { name: 'Greet', ...text },
        { name: 'Spell', ...text, serverStreaming: true },
      ],
    },
  ],
});
const base64 = Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString('base64');
const Greeter = serviceDesc(fileDesc(base64, [file_google_protobuf_wrappers]), 0);

const server = createServer(
  connectNodeAdapter({
    routes(router) {
      router.service(Greeter, {
        greet: ({ value }) => ({ value: `hello ${value}` }),
        async *spell({ value }) {
          for (const letter of value) yield { value: letter };
        },
      });
    },
  }),
);
await once(server.listen(0, '127.0.0.1'), 'listening');

const transport = new Transport({ cleartext: 'h2c' });
const baseUrl = `http://127.0.0.1:${server.address().port}`;
const client = createClient(Greeter, createGrpcTransport({ baseUrl, transport }));

console.log((await client.greet({ value: 'Ada' }, { timeoutMs: 5_000 })).value);
const letters = [];
for await (const { value } of client.spell({ value: 'gRPC' })) letters.push(value);
console.log(letters.join('-'));
await transport.close();
server.close();
