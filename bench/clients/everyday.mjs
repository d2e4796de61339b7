// What programs do with each client: send a request, look at its status, read the body in the way that `job.read` says. With
// `job.post` they send JSON, with `job.fields` so many fields, one of which is new each time. Each is used as its own
// documentation shows.
import { Buffer } from 'node:buffer';

/** A JSON text of so many bytes. */
const jsonOf = (size) => JSON.stringify({ text: 'x'.repeat(size - JSON.stringify({ text: '' }).length) });

export async function open(job) {
  const url = job.origin + job.path;
  const body = job.post === undefined ? undefined : jsonOf(job.post);
  const method = body === undefined ? 'GET' : 'POST';
  const fixed = body === undefined ? {} : { 'content-type': 'application/json' };
  for (let i = 1; i < (job.fields ?? 0); i++) fixed[`x-field-${i}`] = `the value of field ${i}`;
  let made = 0;
  const headersOf = job.fields === undefined ? () => fixed : () => ({ ...fixed, 'x-request-id': `request-${made++}` });
  const { send, close = async () => undefined } = await clients[job.as](job);
  const plain = body === undefined && job.fields === undefined;
  return {
    get: plain
      ? () => send(url, undefined, job.read)
      : () => send(url, { method, headers: headersOf(), body }, job.read),
    close,
  };
}

function checked(status) {
  if (status !== 200) throw new Error(`status ${status}`);
}

/** Responses in the manner of fetch. Some have no bytes(). */
const readers = {
  json: (response) => response.json(),
  text: (response) => response.text(),
  bytes: (response) => response.arrayBuffer(),
};

const fetched = (fetch, extra) => async (url, options, read) => {
  const response = await fetch(url, extra === undefined ? options : { ...options, ...extra });
  checked(response.status);
  return readers[read](response);
};

const requested = (request, extra) => async (url, options, read) => {
  const { statusCode, body } = await request(url, { ...options, ...extra });
  checked(statusCode);
  return readers[read](body);
};

async function ours(job) {
  const { Transport } = await import('passinglane');
  const tls = job.ca === undefined ? {} : { tls: { ca: job.ca } };
  return new Transport({ cleartext: job.http1 ? 'http/1.1' : 'h2c', allowHTTP1: true, ...tls });
}

async function undiciAgent(job, allowH2) {
  const undici = await import(job.undici);
  const room = allowH2 ? { maxConcurrentStreams: job.inFlight, pipelining: job.inFlight, connections: 1 } : {};
  const connect = job.ca === undefined ? {} : { ca: job.ca };
  const dispatcher =
    allowH2 && job.ca === undefined
      ? new undici.H2CClient(job.origin, { maxConcurrentStreams: job.inFlight, pipelining: job.inFlight })
      : new undici.Agent({ allowH2, connect, ...room });
  return { undici, dispatcher };
}

/** All of a stream of node:http or node:http2, read in that way. */
function gathered(stream, read, resolve) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    resolve(read === 'bytes' ? bytes : read === 'text' ? bytes.toString() : JSON.parse(bytes.toString()));
  });
}

const clients = {
  async passinglane(job) {
    const transport = await ours(job);
    const send = async (url, options, read) => {
      const response = await transport.request(url, options);
      checked(response.status);
      return read === 'bytes' ? response.bytes() : readers[read](response);
    };
    return { send, close: async () => transport.destroy() };
  },

  async 'passinglane fetch'(job) {
    const transport = await ours(job);
    return { send: fetched((url, options) => transport.fetch(url, options)), close: async () => transport.destroy() };
  },

  async 'passinglane/undici'(job) {
    const { H2Dispatcher } = await import('passinglane/undici');
    const { request } = await import(job.undici);
    const transport = await ours(job);
    return { send: requested(request, { dispatcher: new H2Dispatcher(transport) }) };
  },

  async 'passinglane/undici fetch'(job) {
    const { H2Dispatcher } = await import('passinglane/undici');
    const { fetch } = await import(job.undici);
    const transport = await ours(job);
    return { send: fetched(fetch, { dispatcher: new H2Dispatcher(transport) }) };
  },

  async undici(job) {
    const { undici, dispatcher } = await undiciAgent(job, true);
    return { send: requested(undici.request, { dispatcher }) };
  },

  async 'undici h1'(job) {
    const { undici, dispatcher } = await undiciAgent(job, false);
    return { send: requested(undici.request, { dispatcher }) };
  },

  async 'undici fetch'(job) {
    const { undici, dispatcher } = await undiciAgent(job, true);
    return { send: fetched(undici.fetch, { dispatcher }) };
  },

  async 'undici fetch h1'(job) {
    const { undici, dispatcher } = await undiciAgent(job, false);
    return { send: fetched(undici.fetch, { dispatcher }) };
  },

  // In the clear: it takes no options for TLS.
  'built-in fetch': async () => ({ send: fetched(globalThis.fetch) }),

  async 'node:http2'(job) {
    const { connect } = await import('node:http2');
    const session = connect(job.origin, job.ca === undefined ? {} : { ca: job.ca });
    const send = (url, options, read) =>
      new Promise((resolve, reject) => {
        const body = options?.body;
        const fields = { ':path': job.path, ':method': options?.method ?? 'GET', ...options?.headers };
        const stream = session.request(fields, { endStream: body === undefined });
        stream.on('response', (head) => {
          if (head[':status'] !== 200) reject(new Error(`status ${head[':status']}`));
        });
        stream.on('error', reject);
        gathered(stream, read, resolve);
        if (body !== undefined) stream.end(body);
      });
    return { send, close: async () => session.destroy() };
  },

  async 'node:http'(job) {
    const http = await import(job.ca === undefined ? 'node:http' : 'node:https');
    const agent = new http.Agent({ keepAlive: true, ca: job.ca });
    const send = (url, options, read) =>
      new Promise((resolve, reject) => {
        const { body, method = 'GET', headers = {} } = options ?? {};
        const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
        const request = http.request(url, { agent, method, headers: { ...headers, ...length } });
        request.on('response', (response) => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
          response.on('error', reject);
          gathered(response, read, resolve);
        });
        request.on('error', reject);
        request.end(body);
      });
    return { send, close: async () => agent.destroy() };
  },

  async got(job) {
    const { got } = await import('got');
    const http = await import(job.ca === undefined ? 'node:http' : 'node:https');
    const agent = new http.Agent({ keepAlive: true, ca: job.ca });
    const client = got.extend({ agent: { [job.ca === undefined ? 'http' : 'https']: agent }, retry: { limit: 0 } });
    const names = { json: 'json', text: 'text', bytes: 'buffer' };
    return { send: (url, options, read) => client(url, { ...options })[names[read]]() };
  },

  async axios(job) {
    const { default: axios } = await import('axios');
    const http = await import(job.ca === undefined ? 'node:http' : 'node:https');
    const agent = new http.Agent({ keepAlive: true, ca: job.ca });
    const client = axios.create({ httpAgent: agent, httpsAgent: agent, proxy: false });
    const types = { json: 'json', text: 'text', bytes: 'arraybuffer' };
    const send = async (url, options, read) => {
      const { method, headers, body } = options ?? {};
      const { status, data } = await client.request({ url, method, headers, data: body, responseType: types[read] });
      checked(status);
      return data;
    };
    return { send };
  },
};
