// Firebase Cloud Messaging's HTTP v1 API by transport.request: a POST for each message, all on one connection. A message that
// the service cannot have seen is sent again, and so are answers 429 and 503, after the Retry-After that they bring.
import { json } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const service = await startOrigin(async (stream, headers) => {
  const { message } = await json(stream);
  if (headers.authorization !== 'Bearer token') return sendJson(stream, { error: { status: 'UNAUTHENTICATED' } }, 401);
  if (message.token === '7') return sendJson(stream, { error: { status: 'UNREGISTERED' } }, 404);
  if (message.token === '8' && refusals-- > 0) return sendJson(stream, { error: { status: 'UNAVAILABLE' } }, 503);
  sendJson(stream, { name: `projects/demo/messages/${message.token}` });
});

const transport = new Transport({ cleartext: 'h2c', retry: { statuses: [429, 503], baseDelay: 1 } });

async function send(token) {
  const response = await transport.request(`${service.url}/v1/projects/demo/messages:send`, {
    method: 'POST',
    headers: { authorization: 'Bearer token' },
    json: { message: { token, notification: { title: 'Your order is on its way' } } },
    // Twice rather than not at all, for this message.
    idempotent: true,
    timeout: 10_000,
  });
  const { error } = await response.json();
  return error === undefined ? 'sent' : `${token}: ${error.status}`;
}

const outcomes = await Promise.all(Array.from({ length: 200 }, (_, n) => send(String(n))));
console.log(
  outcomes.filter((outcome) => outcome === 'sent').length,
  outcomes.filter((outcome) => outcome !== 'sent'),
);
console.log(`${transport.stats().origins[0].connections.length} connection`);
await transport.close();
service.close();
