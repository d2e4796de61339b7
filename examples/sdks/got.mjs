// got takes a `request` in the shape of node:http's: that of passinglane/http.
import got from 'got';
import { json, text } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { createRequest } from 'passinglane/http';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/busy' && refusals-- > 0) return sendJson(stream, {}, 503);
  if (headers[':method'] === 'POST') return sendJson(stream, { got: await json(stream) });
  sendJson(stream, { path: headers[':path'] });
});

const transport = new Transport({ cleartext: 'h2c' });
const { request } = createRequest(transport);
const client = got.extend({
  request,
  prefixUrl: api.url,
  retry: { calculateDelay: ({ computedValue }) => computedValue && 1 },
});

console.log(await client.post('things', { json: { name: 'water' } }).json());
console.log(await client.get('busy').json());
console.log(await text(client.stream('things/1')));
await transport.close();
api.close();
