import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import { blockAfter } from './blocking-duplex.js';

test('a chunk that would cross the limit is held whole until the release, and reading goes on', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [peer] = await accepted;
  const duplex = blockAfter(socket, 10);
  const completed: string[] = [];

  duplex.write('12345678', () => completed.push('first'));
  assert.equal(String((await once(peer, 'data'))[0]), '12345678');
  duplex.write('abc', () => completed.push('second'));
  duplex.write('d', () => completed.push('third'));
  await duplex.blocked;
  peer.write('while blocked');
  assert.equal(String((await once(duplex, 'data'))[0]), 'while blocked');
  assert.deepEqual(completed, ['first'], 'nothing after the limit has completed');
  assert.equal(peer.bytesRead, 8, 'and nothing of it was sent');

  duplex.release();
  duplex.end('e');
  let rest = '';
  for await (const chunk of peer) rest += String(chunk);
  assert.equal(rest, 'abcde');
  assert.deepEqual(completed, ['first', 'second', 'third']);
  peer.end();
  await once(duplex, 'end');
  duplex.destroy();
  server.close();
  await once(server, 'close');
});
