// ConnectRPC over passinglane/connect, against a server of grpc-js: unary, and streams both ways.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema, file_google_protobuf_wrappers, StringValueSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { Transport } from 'passinglane';
import { createGrpcTransport } from 'passinglane/connect';
import { startGrpcServer } from '../support/grpc-server.mjs';

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
        { name: 'Echo', ...text, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});
const base64 = Buffer.from(toBinary(FileDescriptorProtoSchema, proto)).toString('base64');
const Greeter = serviceDesc(fileDesc(base64, [file_google_protobuf_wrappers]), 0);
const server = await startGrpcServer({
  serialize: (value) => Buffer.from(toBinary(StringValueSchema, create(StringValueSchema, { value }))),
  deserialize: (bytes) => fromBinary(StringValueSchema, bytes).value,
});

const transport = new Transport({ cleartext: 'h2c' });
const client = createClient(Greeter, createGrpcTransport({ baseUrl: server.url, transport }));

console.log((await client.greet({ value: 'Ada' })).value);
const echoed = [];
async function* words() {
  yield { value: 'water' };
  while (echoed.length < 1) await setImmediate(); // full duplex: the answer is here
  yield { value: 'wet' };
}
for await (const { value } of client.echo(words())) echoed.push(value);
console.log(echoed);
const refused = ConnectError.from(await client.greet({ value: 'nobody' }).catch((error) => error));
console.log(Code[refused.code], refused.rawMessage);
await transport.close();
server.close();
