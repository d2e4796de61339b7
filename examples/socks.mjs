// Through a SOCKS5 proxy: createConnection dials, and passinglane speaks HTTP/2 on what it gives.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';
import { startSocksProxy } from './support/socks-proxy.mjs';

const origin = await startOrigin((stream) => {
  stream.respond({ ':status': 200 });
  stream.end('hello from behind the proxy');
});
const proxy = await startSocksProxy();

/** RFC 1928, without authentication. The proxy looks the name up. */
async function dialThroughSocks({ hostname, port, signal }) {
  const socket = connect({ host: '127.0.0.1', port: proxy.port, signal });
  await once(socket, 'connect');
  socket.write(Buffer.from([5, 1, 0]));
  await answer(socket, 2);
  const name = Buffer.from(hostname);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]));
  const [, refusal] = await answer(socket, 10);
  if (refusal !== 0) throw new Error(`the SOCKS proxy refused with ${refusal}`);
  return socket;
}

/** So many bytes, and not one more: the next are the origin's. */
async function answer(socket, length) {
  for (;;) {
    const bytes = socket.read(length);
    if (bytes !== null) return bytes;
    await once(socket, 'readable');
  }
}

const transport = new Transport({ cleartext: 'h2c', createConnection: dialThroughSocks });
const response = await transport.request(`${origin.url}/`);
console.log(await response.body.text());
console.log(`the proxy made ${proxy.tunnels()} tunnel to 127.0.0.1`);
await transport.close();
proxy.close();
origin.close();
