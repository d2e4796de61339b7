// Many notifications to a push service such as APNs: one small POST for each device, all at once. A notification that
// the service cannot have seen is sent again; one that it may have delivered is not.
import { Transport } from 'passinglane';
import { startOrigin } from './support/origin.mjs';

let received = 0;
const service = await startOrigin(
  (stream, headers) => {
    stream.resume();
    stream.on('end', () => {
      received++;
      const gone = headers[':path'].endsWith('/7');
      stream.respond({ ':status': gone ? 410 : 200, 'apns-id': headers['apns-id'] });
      stream.end(gone ? '{"reason":"Unregistered"}' : '');
    });
  },
  { settings: { maxConcurrentStreams: 50 } },
);

const transport = new Transport({ cleartext: 'h2c' });

async function notify(device) {
  const response = await transport.request(`${service.url}/3/device/${device}`, {
    method: 'POST',
    headers: { 'apns-topic': 'com.example.app', 'apns-id': String(device), 'apns-push-type': 'alert' },
    body: JSON.stringify({ aps: { alert: 'Your order is on its way' } }),
    timeout: 10_000,
  });
  const body = await response.body.text();
  return { device, status: response.status, reason: body === '' ? undefined : JSON.parse(body).reason };
}

const results = await Promise.all(Array.from({ length: 500 }, (_, device) => notify(device)));
for (const { device, reason } of results.filter(({ status }) => status !== 200))
  console.log(`device ${device}: ${reason}`);
console.log(`${results.length} notifications sent, ${received} received`);
await transport.close();
service.close();
