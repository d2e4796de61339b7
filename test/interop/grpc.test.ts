import { after, before, describe, it } from 'node:test';
import { interopCases, runCase } from '../connect/grpc/cases.js';
import { passinglane } from '../connect/grpc/libraries.js';
import { goGrpc, skipWithout, type Peer } from './peers.js';

for (const tls of [false, true]) {
  describe(`gRPC's interop cases with Go's server, ${tls ? 'TLS' : 'h2c'}`, { skip: skipWithout(goGrpc) }, () => {
    let peer: Peer;
    before(async () => {
      peer = await goGrpc.start(tls);
    });
    after(() => peer.close());
    for (const one of interopCases.filter(({ needs }) => needs === undefined)) {
      it(one.name, () => runCase(one, passinglane, peer));
    }
  });
}
