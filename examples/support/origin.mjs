// An HTTP/2 origin in this process, on a free loopback port, for the examples to talk to.
import { once } from 'node:events';
import { createSecureServer, createServer } from 'node:http2';

/** Starts it with an `onStream(stream, headers)`; with `tls` options it is https:. */
export async function startOrigin(onStream, { tls, settings } = {}) {
  const server = tls === undefined ? createServer({ settings }) : createSecureServer({ ...tls, settings });
  const sessions = new Set();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {}); // a client that is refused or leaves is no failure of the origin
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {}); // nor is a stream that the client gives up
    onStream(stream, headers);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
