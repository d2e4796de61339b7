/** What a transport makes of its TLS options, on real sockets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transport, type ConnectionEvent } from '../../dist/index.js';
import { startOrigin } from '../support/origin.js';

test('what TLS agreed on is reported, and the options given are neither changed nor asked for ALPN', async (t) => {
  const origin = await startOrigin({ tls: true });
  const events: ConnectionEvent[] = [];
  const tls = Object.freeze({ ca: origin.ca, ALPNProtocols: Object.freeze(['http/1.1']) as string[] });
  const transport = new Transport({ tls, observer: { connection: (event) => events.push(event) } });
  t.after(() => {
    transport.destroy();
    return origin.close();
  });
  const response = await transport.request(`${origin.origin}/hello.txt`);
  assert.equal(await response.body.text(), 'hello\n');
  assert.equal(response.httpVersion, '2.0');
  const connected = events.find(({ type }) => type === 'connected');
  assert.equal(connected?.alpnProtocol, 'h2');
  assert.match(connected.tls?.version ?? '', /^TLSv1\.[23]$/);
  assert.notEqual(connected.tls?.cipher ?? '', '');
  assert.equal(connected.connection, response.connection.id);
});

test('a connection in the clear has no TLS to report', async (t) => {
  const origin = await startOrigin();
  const events: ConnectionEvent[] = [];
  const transport = new Transport({ cleartext: 'h2c', observer: { connection: (event) => events.push(event) } });
  t.after(() => {
    transport.destroy();
    return origin.close();
  });
  await (await transport.request(`${origin.origin}/hello.txt`)).body.dump();
  assert.deepEqual(
    events.map(({ type, tls }) => [type, tls]),
    [
      ['dialling', undefined],
      ['connected', undefined],
    ],
  );
});
