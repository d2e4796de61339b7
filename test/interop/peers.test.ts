import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Transport } from '../../dist/index.js';
import { behaviours, expectText, inFlight } from './behaviours.js';
import { frontKinds } from './front-servers.js';
import { programKinds } from './program-servers.js';
import { peerKinds, skipWithout, startNginx, type Peer } from './peers.js';

function transportFor(peer: Peer): Transport {
  return new Transport({ cleartext: 'h2c', tls: peer.ca === undefined ? {} : { ca: peer.ca } });
}

for (const kind of [...peerKinds, ...frontKinds, ...programKinds]) {
  describe(kind.name, { skip: skipWithout(kind) }, () => {
    let peer: Peer;
    let transport: Transport;
    before(async () => {
      peer = await kind.start();
      transport = transportFor(peer);
    });
    after(async () => {
      await transport.close();
      await peer.close();
    });
    for (const { name, needs, run } of behaviours) {
      if (needs === undefined || kind.abilities.includes(needs)) it(name, () => run(transport, peer));
    }
  });
}

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
