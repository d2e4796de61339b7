// A server of grpc-js with two methods, of texts: Greet, and Echo, which streams both ways.
import { Server, ServerCredentials, status } from '@grpc/grpc-js';

export async function startGrpcServer({ serialize, deserialize }) {
  const server = new Server();
  const method = (name, streams) => ({
    path: `/example.Greeter/${name}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  });
  server.addService(
    { greet: method('Greet', false), echo: method('Echo', true) },
    {
      greet({ request: name }, callback) {
        if (name === 'nobody') callback({ code: status.INVALID_ARGUMENT, details: 'whom?' });
        else callback(null, `hello ${name}`);
      },
      echo(call) {
        call.on('data', (text) => call.write(text)).on('end', () => call.end());
      },
    },
  );
  const port = await new Promise((resolve, reject) => {
    const bound = (error, port) => (error === null ? resolve(port) : reject(error));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  return { url: `http://127.0.0.1:${port}`, close: () => server.forceShutdown() };
}
