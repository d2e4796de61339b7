// node:http2, one session; `job.window` sets both its windows, else they are its defaults.
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const chunk = globalThis.Buffer.alloc(65_536);

export async function open(job) {
  const { window } = job;
  const session = connect(job.origin, {
    ...(job.ca === undefined ? {} : { ca: job.ca }),
    ...(window === undefined ? {} : { settings: { initialWindowSize: window } }),
    // Its default of 10 MB refuses what 10,000 streams take.
    maxSessionMemory: 1_000,
  });
  await once(session, 'remoteSettings');
  if (window !== undefined) session.setLocalWindowSize(window);

  const fetchAll = (headers, body) =>
    new Promise((resolve, reject) => {
      const stream = session.request(headers, { endStream: body === undefined });
      let bytes = 0;
      stream.on('response', (fields) => {
        if (fields[':status'] !== 200) reject(new Error(`status ${fields[':status']}`));
      });
      stream.on('data', (piece) => (bytes += piece.length));
      stream.on('end', () => resolve(bytes));
      stream.on('error', reject);
      body?.(stream)?.catch(reject);
    });

  return {
    get: () => fetchAll({ ':path': job.path }),
    download: (size) => fetchAll({ ':path': `/bytes-${size}` }),
    async upload(size) {
      await fetchAll({ ':path': '/sink', ':method': 'POST' }, (stream) => write(stream, size));
      return size;
    },
    async uploadIterable(size) {
      await fetchAll({ ':path': '/sink', ':method': 'POST' }, (stream) =>
        pipeline(Readable.from(source(size)), stream),
      );
      return size;
    },
    downloadFor: (size, time) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': `/bytes-${size}` });
        const end = performance.now() + time;
        let bytes = 0;
        stream.on('data', (piece) => {
          bytes += piece.length;
          if (bytes < size && performance.now() < end) return;
          stream.close(constants.NGHTTP2_CANCEL);
          resolve(bytes);
        });
        stream.on('error', reject);
      }),
    hold: () =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ':path': job.path });
        stream.on('response', () => resolve(stream));
        stream.on('error', reject);
      }),
    release: (stream) => stream.close(constants.NGHTTP2_CANCEL),
    close: async () => session.destroy(),
  };
}

/** Pieces that share one buffer, up to `size` bytes. */
async function* source(size) {
  for (let left = size; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk;
}

/** Writes so many bytes, as fast as they are taken. */
function write(stream, size) {
  let left = size;
  const more = () => {
    while (left > 0) {
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
