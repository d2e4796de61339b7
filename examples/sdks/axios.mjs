// axios: its fetch adapter takes a `fetch` under `env`.
import axios from 'axios';
import { json, text } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

const api = await startOrigin(async (stream, headers) => {
  if (headers[':method'] === 'POST') return sendJson(stream, { got: await json(stream) });
  if (headers[':path'] === '/never') return;
  sendJson(stream, { path: headers[':path'] }, headers[':path'] === '/nowhere' ? 404 : 200);
});

const transport = new Transport({ cleartext: 'h2c' });
const client = axios.create({ adapter: 'fetch', env: { fetch: transport.fetch, Request, Response }, baseURL: api.url });

console.log((await client.post('/things', { name: 'water' })).data);
const { data } = await client.get('/things/1', { responseType: 'stream' });
console.log(await text(data));
console.log((await client.get('/nowhere').catch((error) => error)).response.status);
console.log((await client.get('/never', { timeout: 50 }).catch((error) => error)).code);
await transport.close();
api.close();
