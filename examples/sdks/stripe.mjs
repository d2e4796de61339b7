// Stripe's SDK takes an HTTP client, and has one over a `fetch`.
import { text } from 'node:stream/consumers';
import { Transport } from 'passinglane';
import Stripe from 'stripe';
import { sendJson, startOrigin } from '../support/origin.mjs';

let refusals = 1;
const keys = new Set();
const api = await startOrigin(async (stream, headers) => {
  if (headers[':method'] === 'GET') {
    const data = [1, 2].map((id) => ({ id: `cus_${id}`, object: 'customer' }));
    return sendJson(stream, { object: 'list', url: '/v1/customers', has_more: false, data });
  }
  keys.add(headers['idempotency-key']);
  const form = new URLSearchParams(await text(stream));
  if (refusals-- > 0) return sendJson(stream, { error: { type: 'api_error', message: 'busy' } }, 503);
  sendJson(stream, { id: 'cus_1', object: 'customer', name: form.get('name') });
});

const transport = new Transport({ cleartext: 'h2c' });
const httpClient = Stripe.createFetchHttpClient(transport.fetch);
const { hostname: host, port } = new URL(api.url);
const stripe = new Stripe('sk_test_1', { httpClient, protocol: 'http', host, port, telemetry: false });

console.log((await stripe.customers.create({ name: 'Ada' })).name, `${keys.size} idempotency key`);
for await (const { id } of stripe.customers.list()) console.log(id);
await transport.close();
api.close();
