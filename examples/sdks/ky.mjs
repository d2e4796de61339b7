// ky takes a `fetch`.
import ky from 'ky';
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const api = await startOrigin(async (stream, headers) => {
  if (headers[':path'] === '/busy' && refusals-- > 0) return sendJson(stream, {}, 503);
  if (headers[':method'] === 'POST') return sendJson(stream, { got: await json(stream) });
  if (headers[':path'] === '/never') return;
  sendJson(stream, { path: headers[':path'] });
});

const transport = new Transport({ cleartext: 'h2c' });
const client = ky.create({ fetch: transport.fetch, prefixUrl: api.url, retry: { delay: () => 1 } });

console.log(await client.post('things', { json: { name: 'water' } }).json());
console.log(await client.get('busy').json());
let seen = 0;
const onDownloadProgress = ({ transferredBytes }) => (seen = transferredBytes);
console.log((await client.get('things/1', { onDownloadProgress }).text()).length === seen);
console.log((await client.get('never', { timeout: 50, retry: 0 }).catch((error) => error)).name);
await transport.close();
api.close();
