import { holdsFor } from './each-peer.js';
import { programKinds } from './program-servers.js';

for (const kind of programKinds) holdsFor(kind);
