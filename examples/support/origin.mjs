// An HTTP/2 origin in this process, on a free loopback port, for the examples to talk to.
import { once } from 'node:events';
import { createSecureServer, createServer } from 'node:http2';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

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

/** Answers with this value as JSON. */
export function sendJson(stream, value, status = 200) {
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  stream.end(JSON.stringify(value));
}

/** Answers with Server-Sent Events, one for each of these. */
export function sendEvents(stream, events) {
  stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
  for (const { event, data } of events) {
    const name = event === undefined ? '' : `event: ${event}\n`;
    stream.write(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }
  stream.end();
}

/** An `onStream` of what serves a Request by a Response. */
export function asFetchHandler(handle) {
  return async (stream, headers) => {
    const { ':method': method, ':path': path, ':authority': host } = headers;
    const fields = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
    const body = method === 'POST' ? await buffer(stream) : null;
    const response = await handle(new Request(`http://${host}${path}`, { method, headers: fields, body }));
    for (const name of ['connection', 'transfer-encoding']) response.headers.delete(name); // HTTP/1.1's alone
    stream.respond({ ':status': response.status, ...Object.fromEntries(response.headers) });
    if (response.body === null) stream.end();
    else await pipeline(response.body, stream).catch(() => {}); // a client that has enough leaves
  };
}
