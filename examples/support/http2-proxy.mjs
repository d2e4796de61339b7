// An HTTP/2 proxy in this process, which asks for credentials and connects tunnels to 127.0.0.1.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { connect } from 'node:net';

export async function startHttp2Proxy(tls, user, password) {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server = createSecureServer(tls);
  const sessions = new Set();
  const count = { connections: 0, tunnels: 0 };
  server.on('session', (session) => {
    count.connections++;
    sessions.add(session);
    session.on('error', () => {}); // a client that leaves is no failure of the proxy
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    if (headers['proxy-authorization'] !== expected) return stream.respond({ ':status': 407 }, { endStream: true });
    const { port } = new URL(`http://${headers[':authority']}`);
    const origin = connect(Number(port), '127.0.0.1', () => {
      count.tunnels++;
      stream.respond({ ':status': 200 });
      origin.pipe(stream).pipe(origin);
    });
    origin.on('error', () => stream.close());
    stream.on('error', () => origin.destroy()).on('close', () => origin.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    host: `127.0.0.1:${server.address().port}`,
    count,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
