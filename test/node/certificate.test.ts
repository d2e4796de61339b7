import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { selfSignedCertificate } from '../../dist/cli/certificate.js';

test('a certificate names what it is for, and is its own authority', () => {
  const names = ['localhost', '*.example.test'];
  const ips = ['127.0.0.1', '::1', '2001:db8::5:0:1', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8', 'fe80::'];
  const { key, cert } = selfSignedCertificate({ names, ips, days: 2 });
  const parsed = new X509Certificate(cert);
  assert.equal(parsed.subject, 'CN=localhost');
  assert.equal(parsed.ca, true);
  assert.equal(parsed.verify(parsed.publicKey), true);
  assert.equal(parsed.checkIssued(parsed), true);
  for (const name of ['localhost', 'a.example.test']) assert.ok(parsed.checkHost(name), name);
  assert.equal(parsed.checkHost('example.test'), undefined);
  for (const ip of ips) assert.ok(parsed.checkIP(ip), ip);
  assert.equal(parsed.checkIP('127.0.0.2'), undefined);
  assert.ok(Date.parse(parsed.validFrom) < Date.now());
  const left = Date.parse(parsed.validTo) - Date.now();
  assert.ok(left > 1.9 * 86_400_000 && left <= 2 * 86_400_000, `valid for ${left} ms`);
  assert.match(key, /^-----BEGIN PRIVATE KEY-----/);
});

test('a certificate may outlive the year 2049, and have more names than 255 bytes hold', () => {
  const names = Array.from({ length: 100 }, (_, i) => `host-${i}.example.test`);
  const parsed = new X509Certificate(selfSignedCertificate({ names, ips: [], days: 20_000 }).cert);
  assert.ok(new Date(parsed.validTo).getUTCFullYear() > 2050);
  assert.ok(parsed.checkHost('host-99.example.test'));
});

test('something that is no address is refused by name', () => {
  assert.throws(() => selfSignedCertificate({ names: [], ips: ['localhost'] }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /ips: "localhost"/,
  });
});

test('node:tls serves it, and trusts it with it as ca', async (t) => {
  const { key, cert } = selfSignedCertificate({ names: ['localhost'], ips: ['127.0.0.1'] });
  const server = tls.createServer({ key, cert }, (socket) => socket.end('hello'));
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  for (const servername of ['localhost', undefined]) {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: cert, ...(servername && { servername }) });
    await once(socket, 'secureConnect');
    assert.equal(socket.authorized, true);
    socket.resume();
    await once(socket, 'close');
  }
});
