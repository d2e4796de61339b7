import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { isAllowedForHttp2, minVersionFor, servernameFor, SessionCache } from '../../dist/node/tls.js';

test('the server name is the host, unless it is an address or the user named another', () => {
  assert.equal(servernameFor('a.test', {}), 'a.test');
  assert.equal(servernameFor('a.test.', {}), 'a.test', 'SNI has no trailing dot (RFC 6066 section 3)');
  assert.equal(servernameFor('127.0.0.1', {}), undefined);
  assert.equal(servernameFor('::1', {}), undefined);
  assert.equal(servernameFor('127.0.0.1', { servername: 'b.test' }), 'b.test');
});

test('TLS 1.2 is the least, unless the user or the process says otherwise', () => {
  assert.deepEqual(minVersionFor({}, 'TLSv1.2'), { minVersion: 'TLSv1.2' });
  assert.deepEqual(minVersionFor({}, 'TLSv1'), { minVersion: 'TLSv1.2' });
  assert.deepEqual(minVersionFor({}, 'TLSv1.3'), {}, 'node --tls-min-v1.3 is not undone');
  assert.deepEqual(minVersionFor({ minVersion: 'TLSv1.1' }, 'TLSv1.2'), {});
  assert.deepEqual(minVersionFor({ secureProtocol: 'TLSv1_2_method' }, 'TLSv1.2'), {}, 'Node refuses both at once');
});

test('under TLS 1.2 only ephemeral AEAD suites are allowed (RFC 9113 section 9.2.2)', () => {
  for (const cipher of [
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'DHE-RSA-AES256-GCM-SHA384',
    'DHE-RSA-AES128-CCM8',
  ]) {
    assert.equal(isAllowedForHttp2('TLSv1.2', cipher), true, cipher);
  }
  for (const cipher of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA', 'AES256-SHA']) {
    assert.equal(isAllowedForHttp2('TLSv1.2', cipher), false, cipher);
  }
  assert.equal(isAllowedForHttp2('TLSv1.3', 'TLS_AES_128_GCM_SHA256'), true);
});

test('the session cache keeps the latest ticket of each of the origins used last', () => {
  const cache = new SessionCache(2);
  const give = (origin: string, ticket: string): void => {
    const socket = new EventEmitter();
    cache.collectFrom(socket as TLSSocket, origin);
    socket.emit('session', Buffer.from(ticket));
  };
  give('https://a', 'a1');
  give('https://a', 'a2');
  give('https://b', 'b1');
  assert.equal(cache.get('https://a')?.toString(), 'a2');
  give('https://c', 'c1');
  assert.equal(cache.get('https://b'), undefined, 'a was used since, so b had to go');
  assert.equal(cache.get('https://a')?.toString(), 'a2');
  assert.equal(cache.get('https://c')?.toString(), 'c1');
});

test('a session that failed is dropped, but not one that came since', () => {
  const cache = new SessionCache();
  const socket = new EventEmitter() as TLSSocket;
  cache.collectFrom(socket, 'https://a');
  const [old, young] = [Buffer.from('old'), Buffer.from('young')];
  socket.emit('session', old);
  socket.emit('session', young);
  cache.drop('https://a', old);
  assert.equal(cache.get('https://a'), young);
  cache.drop('https://a', young);
  assert.equal(cache.get('https://a'), undefined);
});
