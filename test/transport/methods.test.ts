import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

test('the six methods that fetch knows go out in upper case, in whatever case they are given', async (t) => {
  const seen: string[] = [];
  const server = await startOrigin({
    handler(request, response) {
      seen.push(`${request.method} ${request.headers['content-length'] ?? '-'}`);
      request.resume().on('end', () => response.end());
    },
  });
  const transport = new Transport({ cleartext: 'h2c' });
  t.after(async () => {
    transport.destroy();
    await server.close();
  });
  for (const method of ['post', 'Put', 'get', 'delete', 'Options', 'PATCH', 'report']) {
    const { body } = await transport.request(server.origin, { method, body: /^p/i.test(method) ? '' : undefined });
    await body.dump();
  }
  assert.deepEqual(seen, ['POST 0', 'PUT 0', 'GET -', 'DELETE -', 'OPTIONS -', 'PATCH 0', 'report -']);
});
