import { holdsFor } from './each-peer.js';
import { frontKinds } from './front-servers.js';

for (const kind of frontKinds) holdsFor(kind);
