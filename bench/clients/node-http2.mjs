// node:http2, one session; `job.window` sets both its windows, else they are its defaults.
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { performance } from 'node:perf_hooks';

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
      if (body !== undefined) write(stream, body);
    });

  return {
    get: () => fetchAll({ ':path': job.path }),
    download: (size) => fetchAll({ ':path': `/bytes-${size}` }),
    async upload(size) {
      await fetchAll({ ':path': '/sink', ':method': 'POST' }, size);
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
