import { lookup as systemLookup } from 'node:dns';
import type { RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import { invalidArgument } from '../errors.js';
import { Transport, type TransportOptions } from '../index.js';
import { copyOf, isSame } from './same-settings.js';

const tlsNames = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'clientCertEngine',
  'pskCallback',
  'rejectUnauthorized',
  'allowPartialTrustChain',
  'checkServerIdentity',
  'servername',
  'ciphers',
  'honorCipherOrder',
  'minVersion',
  'maxVersion',
  'secureProtocol',
  'secureContext',
  'secureOptions',
  'sigalgs',
  'sessionTimeout',
  'sessionIdContext',
  'dhparam',
  'minDHSize',
  'ecdhCurve',
  'crl',
] as const;
const netNames = ['socketPath', 'localAddress', 'lookup', 'family'] as const;
/** What chooses connections in node:http, and has no meaning for a Transport. */
const refused = ['agent', 'createConnection', 'ALPNProtocols'] as const;

type ConnectionSettings = Partial<Record<(typeof tlsNames)[number] | (typeof netNames)[number], unknown>>;

/** What a call says about its connection; undefined: nothing. Throws for an agent, which would be passed over. */
export function connectionSettings(options: RequestOptions): ConnectionSettings | undefined {
  for (const name of refused) {
    const value: unknown = (options as Record<string, unknown>)[name];
    if (value !== undefined && value !== null && value !== false)
      throw invalidArgument(`option '${name}'`, value, 'undefined; connections are made by the Transport');
  }
  const found: [string, unknown][] = [];
  for (const name of [...tlsNames, ...netNames]) {
    const value: unknown = (options as Record<string, unknown>)[name];
    if (value === undefined || value === null || (name === 'family' && value === 0)) continue;
    // got says the default out loud.
    if (name === 'checkServerIdentity' && value === checkServerIdentity) continue;
    found.push([name, value]);
  }
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** How many sets of connection settings have a transport at one time. */
const limit = 32;

interface Entry {
  readonly settings: ConnectionSettings | undefined;
  readonly transport: Transport;
}

/** One transport for each set of settings that calls bring along, as node:http's agents keep their sockets apart. */
export class TransportsBySettings {
  private readonly entries: Entry[] = [];

  for(given: ConnectionSettings | undefined): Transport {
    const at = this.entries.findIndex((entry) => isSame(entry.settings, given));
    const entry = at === -1 ? entryFor(copyOf(given) as typeof given) : this.entries.splice(at, 1)[0]!;
    this.entries.push(entry);
    // The one that was out of use for longest goes; what runs on it finishes.
    if (this.entries.length > limit) void this.entries.shift()?.transport.close();
    return entry.transport;
  }
}

function entryFor(settings: ConnectionSettings | undefined): Entry {
  return { settings, transport: new Transport(toOptions(settings ?? {})) };
}

function toOptions(settings: ConnectionSettings): TransportOptions {
  const { socketPath, localAddress, lookup, family, ...tls } = settings;
  return {
    userAgent: '', // node:http sends none of its own
    tls: tls as ConnectionOptions,
    socketPath: socketPath as string | undefined,
    localAddress: localAddress as string | undefined,
    lookup: withFamily(lookup as LookupFunction | undefined, family as number | undefined),
  };
}

function withFamily(lookup: LookupFunction | undefined, family: number | undefined): LookupFunction | undefined {
  if (family === undefined) return lookup;
  const inner = lookup ?? systemLookup;
  return (hostname, options, callback) => {
    inner(hostname, { ...options, family }, callback);
  };
}
