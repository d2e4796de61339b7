// An existing app that calls `fetch` goes over passinglane by being given its fetch: nothing else changes.
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

/** The app. It knows nothing of passinglane. */
async function showUser(id, { baseUrl, fetch }) {
  const response = await fetch(`${baseUrl}/users/${id}`, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`no user ${id}: ${response.status}`);
  const user = await response.json();
  console.log(`${user.name} has id ${user.id}`);
}

const origin = await startOrigin((stream, headers) => {
  if (headers[':path'] === '/users/1') {
    stream.respond({ ':status': 302, location: '/people/1' });
    stream.end();
    return;
  }
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  stream.end(JSON.stringify({ id: Number(headers[':path'].split('/').pop()), name: 'Ada' }));
});

const transport = new Transport({ cleartext: 'h2c' });
await showUser(1, { baseUrl: origin.url, fetch: transport.fetch });
await Promise.all([2, 3, 4].map((id) => showUser(id, { baseUrl: origin.url, fetch: transport.fetch })));

const [{ connections }] = transport.stats().origins;
console.log(`all over ${Array.isArray(connections) ? connections.length : connections} connection`);
await transport.close();
origin.close();
