// Google's gaxios, which Google's API clients are built upon, takes a `fetchImplementation`.
import { Gaxios } from 'gaxios';
import { json, text } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/busy' && refusals-- > 0) return sendJson(stream, { error: 'busy' }, 503);
  if (headers[':method'] === 'POST') return sendJson(stream, { got: await json(stream) });
  sendJson(stream, { path: headers[':path'] });
});

const transport = new Transport({ cleartext: 'h2c' });
const client = new Gaxios({ baseURL: api.url, fetchImplementation: transport.fetch });

console.log((await client.request({ url: '/v1/things', method: 'POST', data: { name: 'water' } })).data.got);
console.log((await client.request({ url: '/busy', retryConfig: { retryDelay: 1 } })).data);
const { data: stream } = await client.request({ url: '/v1/things/1', responseType: 'stream' });
console.log(await text(stream));
await transport.close();
api.close();
