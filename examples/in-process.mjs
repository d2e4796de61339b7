// Testing an app in process: its requests are answered by a node:http2 server in the same process, over no socket.
import assert from 'node:assert/strict';
import { performServerHandshake } from 'node:http2';
import { duplexPair } from 'node:stream';
import { Transport } from 'passinglane';

/** The app under test. It takes whatever has a `request`. */
async function placeOrder(client, item) {
  const response = await client.request('http://shop.test/orders', { method: 'POST', body: JSON.stringify({ item }) });
  return { accepted: response.status === 201, ...(await response.body.json()) };
}

const [near, far] = duplexPair();
const session = performServerHandshake(far);
session.on('stream', async (stream) => {
  let body = '';
  for await (const chunk of stream) body += chunk;
  stream.respond({ ':status': 201 });
  stream.end(JSON.stringify({ id: 7, item: JSON.parse(body).item }));
});

const transport = new Transport();
const connection = await transport.adopt(near, 'http://shop.test');
assert.deepEqual(await placeOrder(connection, 'tea'), { accepted: true, id: 7, item: 'tea' });
console.log('the order was placed, and no port was opened');
connection.close();
session.destroy();
await transport.close();
