// A large upload with its progress. The body is a function, so it can be made again if the server turns it away unread.
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

const size = 32 << 20;
const origin = await startOrigin((stream) => {
  let bytes = 0;
  stream.on('data', (chunk) => (bytes += chunk.length));
  stream.on('end', () => {
    stream.respond({ ':status': 201 });
    stream.end(`stored ${bytes} bytes`);
  });
});

/** A file's pieces would come from createReadStream. A piece is asked for when the one before has been taken. */
async function* pieces() {
  const piece = new Uint8Array(1 << 16);
  let shown = 0;
  for (let sent = 0; sent < size; sent += piece.length) {
    yield piece;
    const percent = Math.floor(((sent + piece.length) / size) * 100);
    if (percent < shown + 25) continue;
    shown = percent - (percent % 25);
    console.log(`${shown}% sent`);
  }
}

const transport = new Transport({ cleartext: 'h2c' });
const response = await transport.request(`${origin.url}/files/1`, {
  method: 'PUT',
  headers: { 'content-length': String(size), 'content-type': 'application/octet-stream' },
  body: () => pieces(),
});
console.log(response.status, await response.body.text());
await transport.close();
origin.close();
