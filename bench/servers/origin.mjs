// The embedded origin, for machines without nghttpd: node:http2 with the files that nghttpd would serve.
// `node origin.mjs FOLDER` (h2c) or `node origin.mjs FOLDER KEY CERT`; prints its port.
import { readFileSync } from 'node:fs';
import { createSecureServer, createServer } from 'node:http2';
import { join } from 'node:path';
import process from 'node:process';

const [folder, key, cert] = process.argv.slice(2);
const small = readFileSync(join(folder, 'small'));
const chunk = globalThis.Buffer.alloc(65_536);

const settings = { maxConcurrentStreams: 20_000, initialWindowSize: 1_048_575 };
const options = { settings, maxSessionMemory: 1_000 };
const server =
  key === undefined
    ? createServer(options)
    : createSecureServer({ ...options, key: readFileSync(key), cert: readFileSync(cert) });

server.on('session', (session) => session.setLocalWindowSize(16_777_215));
server.on('stream', (stream, headers) => {
  stream.on('error', () => undefined); // a client that cancels is no failure of the server's
  stream.resume();
  if (headers[':method'] !== 'GET') {
    stream.on('end', () => stream.respond({ ':status': 200 }, { endStream: true }));
    return;
  }
  stream.respond({ ':status': 200 });
  const [, size] = headers[':path'].split('-');
  if (size === undefined) stream.end(small);
  else writeLarge(stream, Number(size));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

function writeLarge(stream, size) {
  let left = size;
  const more = () => {
    while (left > 0 && !stream.destroyed) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      if (!stream.write(piece)) {
        stream.once('drain', more);
        return;
      }
    }
    stream.end();
  };
  more();
}
