import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Transport } from '../../dist/index.js';
import { closedPort } from '../support/closed-port.js';
import { rawServer } from '../support/raw-server.js';

test('totals count requests, failures, replays, dials and bytes, and outlive the connections', async (t) => {
  let seen = 0;
  const server = await rawServer(async (connection) => {
    await connection.greet();
    for (;;) {
      const { streamId } = await connection.request();
      if (++seen === 1) connection.rst(streamId, 7);
      else connection.headers(streamId, [[':status', '200']], { endStream: true });
    }
  });
  t.after(() => server.close());
  const transport = new Transport({ cleartext: 'h2c' });
  await transport.request(server.origin);
  await transport.request(server.origin);
  await assert.rejects(transport.request(`http://127.0.0.1:${closedPort}`), { code: 'ERR_PASSINGLANE_CONNECT_FAILED' });
  const open = transport.stats().totals;
  assert.ok(open.bytesSent > 24 && open.bytesReceived > 9, 'while the connection lives');
  await transport.close();

  const { bytesSent, bytesReceived, ...counts } = transport.stats().totals;
  assert.ok(bytesSent >= open.bytesSent && bytesReceived >= open.bytesReceived, 'and when it is gone');
  assert.deepEqual(counts, {
    requests: 3,
    failed: 1,
    replays: 1,
    replayCauses: { refused: 1, goAway: 0, lost: 0, status: 0 },
    replaysDenied: 0,
    hedges: 0,
    hedgesWon: 0,
    dials: 2,
    failedDials: 1,
    stalls: 0,
  });
  assert.equal(open.replayCauses.refused, 1, 'a snapshot stays what it was');
});

test('totals are shown as a plain object, and a view by the name that it has in the documents', async (t) => {
  const shipped = new URL('../../lib/index.js', import.meta.url).href;
  const { Transport } = (await import(shipped)) as typeof import('../../dist/index.js');
  const transport = new Transport();
  t.after(() => transport.destroy());
  const { totals } = transport.stats();
  assert.equal(Object.getPrototypeOf(totals), Object.prototype);
  assert.match(inspect(totals), /^\{\n {2}requests: 0,/);
  assert.match(inspect(transport.with({})), /^TransportView \{/);
});

test('no class of what ships has a name that the bundler gave it', () => {
  const lib = fileURLToPath(new URL('../../lib/', import.meta.url));
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => /\.c?js$/.test(file));
  assert.ok(files.length > 20);
  for (const file of files) assert.doesNotMatch(readFileSync(join(lib, file), 'utf8'), /class _\w/, file);
});
