import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expectText, inFlight } from './behaviours.js';
import { holdsFor, transportFor } from './each-peer.js';
import { peerKinds, skipWithout, startNginx } from './peers.js';

for (const kind of peerKinds) holdsFor(kind);

const nginx = peerKinds.filter(({ name }) => name.startsWith('nginx'));
for (const kind of nginx) {
  it(`${kind.name}: GOAWAY after every 97th request fails none of 1,000`, { skip: skipWithout(kind) }, async (t) => {
    const peer = await startNginx(kind.name.endsWith('TLS'), 97);
    const transport = transportFor(peer);
    t.after(async () => {
      await transport.close();
      await peer.close();
    });
    const connections = new Set<number>();
    await inFlight(1_000, 50, async (index) => {
      const response =
        index % 10 === 0
          ? await expectText(transport, `${peer.origin}/echo`, 'echoed', { method: 'POST', body: 'echoed' })
          : await expectText(transport, `${peer.origin}/hello.txt`, 'hello\n');
      connections.add(response.connection.id);
    });
    assert.ok(connections.size >= 10, `1,000 requests of 97 each on ${connections.size} connections`);
  });
}
