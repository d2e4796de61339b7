// A SOCKS5 proxy (RFC 1928) for the loopback interface, in this process.
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export async function startSocksProxy() {
  const sockets = new Set();
  let tunnels = 0;
  const keep = (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // either end may leave
    return socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer(async (client) => {
    keep(client);
    await once(client, 'data'); // the greeting
    client.write(Buffer.from([5, 0]));
    const [request] = await once(client, 'data');
    const length = request[4];
    const host = request.subarray(5, 5 + length).toString();
    const target = keep(connect(request.readUInt16BE(5 + length), host));
    await once(target, 'connect');
    tunnels++;
    client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
    client.pipe(target).pipe(client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: server.address().port,
    tunnels: () => tunnels,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
