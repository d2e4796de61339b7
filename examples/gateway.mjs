// A reverse proxy: streams both ways with trailers, early hints, and aborts both ways. With an origin as its argument it
// serves that (`node examples/gateway.mjs http://127.0.0.1:3000 8080`); alone it shows itself, and ends.
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { forwardableHeaders, Transport } from 'passinglane';

const [upstream, port = '0', protocol = 'http/1.1', headersTimeout = '30000'] = process.argv.slice(2);
const transport = new Transport({
  cleartext: protocol === 'h2c' ? 'h2c' : 'http/1.1', // of an upstream by http:
  headersTimeout: Number(headersTimeout),
  decompress: false,
});

/** What the gateway says itself. Node has answered `expect`, and trailers go unannounced. */
const replaced = ['host', 'expect', 'trailer', 'forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

const forward = (origin) => async (req, res) => {
  const gone = new AbortController();
  res.once('close', () => {
    gone.abort(); // the client has its answer, or has left: the upstream need not go on
    if (!req.complete) linger(req);
  });
  try {
    if (!req.url.startsWith('/')) return void res.writeHead(400).end();
    const chunked = 'transfer-encoding' in req.headers; // only then are there trailers
    const hasBody = chunked || 'content-length' in req.headers;
    const response = await transport.request(origin + req.url, {
      method: req.method,
      headers: [
        ...forwardableHeaders(req.rawHeaders, replaced),
        ['x-forwarded-for', req.socket.remoteAddress ?? 'unknown'],
        ['x-forwarded-host', req.headers.host ?? ''],
        ['x-forwarded-proto', 'http'],
        ['via', `${req.httpVersion} gateway`],
      ],
      body: hasBody ? req : null,
      trailers: chunked ? () => forwardableHeaders(req.rawTrailers) : undefined,
      signal: gone.signal,
      onInformational: (status, headers) => {
        if (status === 103 && req.httpVersion !== '1.0') res.writeEarlyHints({ link: links(headers) });
      },
    });
    res.writeHead(response.status, forwardableHeaders(response.headerPairs, ['trailer']).flat());
    await pipeline(response.body.readable(), res, { end: false });
    res.addTrailers(Object.fromEntries(forwardableHeaders(await response.trailers)));
    res.end();
  } catch (error) {
    if (res.headersSent) return res.destroy(); // what is cut short must not pass for whole
    res.writeHead(/TIMEOUT$/.test(error.code) ? 504 : 502, { 'content-type': 'text/plain' });
    res.end(`${error.code}\n`);
  }
};

/** The client still sends. A socket closed now would be reset, and the answer lost; so what comes is dropped for a while. */
function linger(req) {
  req.resume();
  const timer = setTimeout(() => req.socket.destroy(), 2_000);
  req.once('close', () => clearTimeout(timer));
}

/** Each link by itself, as node:http wants them. */
const links = (headers) => (headers.get('link') ?? '').split(/,\s*(?=<)/);

async function serve(origin, at) {
  const server = createServer(forward(origin));
  await new Promise((resolve) => server.listen(at, '127.0.0.1', resolve));
  return server;
}

if (upstream !== undefined) {
  const server = await serve(upstream, Number(port));
  console.log(`http://127.0.0.1:${server.address().port} -> ${upstream}`);
} else {
  await show();
}

/** What went through, seen from both ends, and then from a client whose upstream is gone. */
async function show() {
  const origin = createServer((req, res) => {
    req.pipe(res, { end: false });
    req.on('end', () => {
      res.addTrailers({ 'x-sum': `${req.trailers['x-sum']}, by way of ${req.headers.via}` });
      res.end();
    });
  });
  await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const server = await serve(`http://127.0.0.1:${origin.address().port}`, 0);
  const client = new Transport();
  const post = { method: 'POST', body: () => new Blob(['water']).stream(), trailers: { 'x-sum': '42' } };
  const send = () => client.request(`http://127.0.0.1:${server.address().port}/`, post);
  const response = await send();
  console.log(response.status, await response.body.text(), (await response.trailers).get('x-sum'));
  origin.close().closeAllConnections();
  console.log((await send()).status);
  await client.close();
  server.close();
  await transport.close();
}
