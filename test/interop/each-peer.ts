/** What every server is put to. */
import { after, before, describe, it } from 'node:test';
import { Transport } from '../../dist/index.js';
import { behaviours } from './behaviours.js';
import { skipWithout, type Peer, type PeerKind } from './peers.js';

export function transportFor(peer: Peer): Transport {
  return new Transport({ cleartext: 'h2c', tls: peer.ca === undefined ? {} : { ca: peer.ca } });
}

export function holdsFor(kind: PeerKind): void {
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
