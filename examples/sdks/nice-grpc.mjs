// nice-grpc's client over a fetch-like transport (nice-grpc-web) takes a transport: with this one it speaks gRPC itself, against
// a server of grpc-js. The client of the package `nice-grpc` is one of grpc-js's channels, and has no place for another.
import { Buffer } from 'node:buffer';
import { createChannel, createClient, Metadata } from 'nice-grpc-web';
import { setImmediate } from 'node:timers/promises';
import { Transport } from 'passinglane';
import { startGrpcServer } from '../support/grpc-server.mjs';

/** gRPC by passinglane, for nice-grpc-web. */
function grpcOver(transport) {
  return async function* ({ url, metadata, body, signal }) {
    const headers = [...metadata]
      .filter(([name]) => name !== 'x-grpc-web' && name !== 'content-type')
      .flatMap(([name, values]) => values.map((value) => [name, asText(value)]));
    headers.push(['content-type', 'application/grpc+proto'], ['te', 'trailers']);
    const response = await transport.request(url, { method: 'POST', headers, body, signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    yield { type: 'header', header: asMetadata(response.headers) };
    for await (const data of response.body) yield { type: 'data', data };
    const trailers = await response.trailers;
    if (trailers.has('grpc-status')) yield { type: 'trailer', trailer: asMetadata(trailers) };
  };
}

function asText(value) {
  return typeof value === 'string' ? value : Buffer.from(value).toString('base64');
}

function asMetadata(headers) {
  const metadata = new Metadata();
  for (const [name, value] of headers) {
    if (!name.endsWith('-bin')) metadata.set(name, value);
    else for (const one of value.split(/, ?/)) metadata.append(name, Buffer.from(one, 'base64'));
  }
  return metadata;
}

// A code generator writes this from a .proto file; here it is said by hand.
const serialize = ({ value }) => Buffer.from(value);
const deserialize = (bytes) => ({ value: Buffer.from(bytes).toString() });
const method = (name, streams) => ({
  path: `/example.Greeter/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
  options: {},
});
const Greeter = { greet: method('Greet', false), echo: method('Echo', true) };
const server = await startGrpcServer({ serialize: (value) => Buffer.from(value), deserialize: String });

const transport = new Transport({ cleartext: 'h2c' });
const client = createClient(Greeter, createChannel(server.url, grpcOver(transport)));

console.log((await client.greet({ value: 'Ada' })).value);
const echoed = [];
async function* words() {
  yield { value: 'water' };
  while (echoed.length < 1) await setImmediate(); // full duplex: the answer is here
  yield { value: 'wet' };
}
for await (const { value } of client.echo(words())) echoed.push(value);
console.log(echoed);
console.log((await client.greet({ value: 'nobody' }).catch((error) => error)).message);
await transport.close();
server.close();
