// node:http2 with one session, and a new one once that has closed or is closing.
import { connect } from 'node:http2';
import { Readable } from 'node:stream';
import { addressesOf, pieces } from './common.mjs';

export async function open(job) {
  let session;
  const current = () => {
    if (session === undefined || session.closed || session.destroyed) {
      session = connect(`https://localhost:${job.port}`, { ca: job.ca, ...addressesOf(job) });
      session.on('error', () => undefined); // its streams say so too
      session.on('goaway', () => (session = undefined));
    }
    return session;
  };
  const call = (path, body) =>
    new Promise((resolve, reject) => {
      const stream = current().request({ ':path': path, ':method': body === undefined ? 'GET' : 'POST' });
      stream.on('end', resolve).on('error', reject).resume();
      stream.on('close', () => reject(new Error('it ended without an answer')));
      if (body === undefined) stream.end();
      else body.pipe(stream);
    });
  return {
    get: (path) => call(path),
    post: (path) => call(path, Readable.from([globalThis.Buffer.alloc(1_024)])),
    upload: (path, size) => call(path, Readable.from(pieces(size))),
    download: (path) => call(path),
  };
}
