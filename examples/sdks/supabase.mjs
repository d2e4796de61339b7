// Supabase's client takes a `fetch` under `global`: a table, and a file of its storage.
import { createClient } from '@supabase/supabase-js';
import { buffer, json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

const api = await startOrigin(async (stream, headers) => {
  const { pathname, searchParams } = new URL(headers[':path'], 'http://api');
  if (pathname.startsWith('/storage/')) {
    const bytes = await buffer(stream);
    return sendJson(stream, { Id: '1', Key: `things/${bytes.length} bytes` });
  }
  if (headers[':method'] === 'POST') return sendJson(stream, await json(stream), 201);
  sendJson(stream, [{ id: 1, name: searchParams.get('name') }]);
});

const transport = new Transport({ cleartext: 'h2c' });
/** Realtime alone uses it, and Node 20 has none. */
const realtime = { transport: globalThis.WebSocket ?? class {} };
const supabase = createClient(api.url, 'key', { realtime, global: { fetch: transport.fetch } });

console.log((await supabase.from('things').insert({ name: 'water' }).select()).data);
console.log((await supabase.from('things').select('*').eq('name', 'water')).data);
console.log((await supabase.storage.from('things').upload('water.txt', new Blob(['wet']))).error);
await transport.close();
api.close();
