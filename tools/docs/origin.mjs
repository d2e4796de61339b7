// The origin that stands for https://example.com while the documents' blocks run: it answers every path.
import { createSecureServer } from 'node:http2';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';

function answer(request, response) {
  if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let i = 0; i < 3; i++) response.write(`data: ${i}\n\n`);
    response.end();
  } else if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"hello":"world"}\n');
  } else {
    request.on('error', () => response.destroy());
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'text/plain' });
    request.pipe(response);
  }
}

/** Starts it, and writes its certificate into `folder`: `{ port, certificate, close }`. */
export async function startExampleOrigin(folder) {
  const { key, cert } = selfSignedCertificate({ names: ['example.com'], ips: [] });
  const certificate = join(folder, 'example.com.pem');
  writeFileSync(certificate, cert);
  const server = createSecureServer({ key, cert, allowHTTP1: true }, answer);
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    certificate,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        for (const socket of sockets) socket.destroy();
      }),
  };
}
