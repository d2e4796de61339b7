// ofetch makes its functions over a `fetch`.
import { json, text } from 'node:stream/consumers';
import { createFetch } from 'ofetch';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/busy' && refusals-- > 0) return sendJson(stream, {}, 503);
  if (headers[':method'] === 'POST') return sendJson(stream, { got: await json(stream) });
  sendJson(stream, { path: headers[':path'] }, headers[':path'] === '/nowhere' ? 404 : 200);
});

const transport = new Transport({ cleartext: 'h2c' });
const client = createFetch({ fetch: transport.fetch, defaults: { baseURL: api.url } });

console.log(await client('/things', { method: 'POST', body: { name: 'water' } }));
console.log(await client('/busy', { retryDelay: 1 }));
console.log(await text(await client('/things/1', { responseType: 'stream' })));
console.log((await client('/nowhere').catch((error) => error)).statusCode);
await transport.close();
api.close();
