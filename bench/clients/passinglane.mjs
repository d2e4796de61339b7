// passinglane's Transport.request, with default options.
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Transport } from 'passinglane';

const chunk = new Uint8Array(65_536);

/** Pieces that share one buffer, up to `size` bytes. */
async function* source(size, piece = chunk) {
  for (let left = size; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
}

async function* endless() {
  for (;;) {
    yield chunk;
    await turn();
  }
}

export async function open(job) {
  const transport = new Transport({
    cleartext: 'h2c',
    ...(job.ca === undefined ? {} : { tls: { ca: job.ca } }),
    ...(job.origins === undefined ? {} : { lookup: toLoopback }),
    ...(job.addresses === undefined ? {} : { lookup: toAddresses(job.addresses), loadBalancing: 'least-request' }),
  });
  const { path } = job;
  const origin = job.addresses === undefined ? job.origin : job.origin.replace('127.0.0.1', 'localhost');

  const checked = async (answer) => {
    const response = await answer;
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return response;
  };
  const download = (size) => checked(transport.request(`${origin}/bytes-${size}`));
  const getter = (send, url, options) => async () => {
    const response = await send(url, options);
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    await response.body.dump();
  };
  const count = async (chunks) => {
    let bytes = 0;
    for await (const piece of chunks) bytes += piece.length;
    return bytes;
  };

  let bytes;
  const upload = async (size, body) => {
    const response = await checked(transport.request(`${origin}/sink`, { method: 'POST', body }));
    await response.body.dump();
    return size;
  };

  return {
    get:
      job.fields === undefined ? getter(transport.request, origin + path) : withFields(transport, origin + path, job),
    gets: await spread(transport, job, getter),
    async dump(size) {
      const response = await download(size);
      await response.body.dump();
      return size; // dump() gives no count; that a body cut short is an error has its own tests
    },
    borrow: async (size) => count((await download(size)).body.borrow()),
    owned: async (size) => count((await download(size)).body),
    upload: (size) => upload(size, source(size)),
    uploadBytes: (size) => upload(size, (bytes ??= new Uint8Array(size).fill(1))),
    uploadReadable: (size) => upload(size, Readable.from(source(size), { objectMode: false })),
    uploadSmall: (size) => upload(size, source(size, chunk.subarray(0, 1_024))),
    async downloadFor(size, time) {
      const end = performance.now() + time;
      let bytes = 0;
      for await (const piece of (await download(size)).body.borrow()) {
        bytes += piece.length;
        if (bytes >= size || performance.now() >= end) break;
      }
      return bytes;
    },
    hold: () => checked(transport.request(origin + path)),
    release: (response) => response.body.cancel(),
    start: (signal) => transport.request(origin + path, { signal }),
    read: (response) => response.body.dump(),
    openStreams: () => transport.stats().streams,
    uploadForever() {
      // It ends with the transport, by an error.
      transport.request(`${origin}/sink`, { method: 'POST', body: endless() }).catch(() => undefined);
    },
    close: async () => transport.destroy(),
  };
}

/** The functions of workers that spread their requests over connections or origins; undefined where there is one. */
async function spread(transport, job, getter) {
  const { origin, path } = job;
  if (job.connections !== undefined) {
    const conns = Array.from({ length: job.connections }, () => transport.connect(origin));
    return (await Promise.all(conns)).map((conn) =>
      getter((url, options) => conn.request(url, options), origin + path),
    );
  }
  if (job.origins === undefined) return undefined;
  const port = new URL(origin).port;
  const gets = Array.from({ length: job.origins }, (_, i) =>
    getter(transport.request, `http://origin${i}.test:${port}${path}`),
  );
  for (const get of gets) await get(); // their connections stand before anything is measured
  // Every worker goes from origin to origin, so that all are in use all the time.
  let next = 0;
  return [() => gets[next++ % gets.length]()];
}

/** Requests with so many fields of their own, one of which is new each time. */
function withFields(transport, url, job) {
  const headers = {};
  for (let i = 1; i < job.fields; i++) headers[`x-field-${i}`] = `the value of field ${i}`;
  let id = 0;
  return async () => {
    const response = await transport.request(url, { headers: { ...headers, 'x-request-id': `request-${id++}` } });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    await response.body.dump();
  };
}

function toLoopback(hostname, options, callback) {
  if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
}

/** So many addresses of the loopback, from 127.0.0.1 on. */
function toAddresses(count) {
  const all = Array.from({ length: count }, (_, i) => ({ address: `127.0.0.${i + 1}`, family: 4 }));
  return (hostname, options, callback) => {
    if (options.all) callback(null, all);
    else callback(null, all[0].address, 4);
  };
}
