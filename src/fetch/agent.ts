import { invalidArgument } from '../errors.js';

/** Options of an agent that decide whom its connections trust, who they are, or where they lead. */
const telling = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'crl',
  'secureContext',
  'checkServerIdentity',
  'servername',
  'ciphers',
  'minVersion',
  'maxVersion',
  'secureProtocol',
  'secureOptions',
  'pskCallback',
  'socketPath',
  'lookup',
  'localAddress',
  'proxyEnv',
] as const;

/** How agents show the proxy that they go through: https-proxy-agent, socks-proxy-agent and hpagent; tunnel; proxy-agent. */
const ofProxies = ['proxy', 'proxyOptions', 'getProxyForUrl'] as const;

let warned = false;

/**
 * An agent of node:http, as node-fetch takes one, and as SDKs pass one by habit: it pools, and so does the transport. One
 * behind which there is more than a pool is refused (a TypeError, ERR_INVALID_ARG_VALUE), since without it the request
 * would go elsewhere, or trust others. The first one that is passed over causes a warning of the process.
 */
export function checkAgent(given: unknown, url: URL): void {
  // node-fetch asks a function for the agent of each URL.
  const agent: unknown =
    typeof given === 'function' && !('dispatch' in given) ? (given as (url: URL) => unknown)(url) : given;
  if (typeof agent !== 'object' || agent === null) return;
  const what = behind(agent);
  if (what !== undefined)
    throw invalidArgument(
      'agent of fetch',
      agent,
      `an agent without ${what}; connections are made by the Transport: give that to it as an option`,
    );
  if (warned) return;
  warned = true;
  process.emitWarning('The agent given to fetch is ignored: connections are made, and pooled, by the Transport', {
    code: 'PASSINGLANE_AGENT_IGNORED',
  });
}

/** What there is to the agent besides a pool; undefined: nothing that it shows. */
function behind(agent: object): string | undefined {
  if ('dispatch' in agent) return 'a dispatch method (undici has dispatchers)';
  const own = agent as Readonly<Record<string, unknown>>;
  if (ofProxies.some((name) => isGiven(own[name])) || isNamedProxy(agent)) return 'a proxy';
  const options = (own['options'] ?? {}) as Readonly<Record<string, unknown>>;
  const option = telling.find((name) => isGiven(options[name]));
  return option ?? (options['rejectUnauthorized'] === false ? 'rejectUnauthorized: false' : undefined);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The class of the agent, or one it comes from, is named after what it does. */
function isNamedProxy(agent: object): boolean {
  for (let at: unknown = agent; typeof at === 'object' && at !== null; at = Object.getPrototypeOf(at))
    if (/proxy|socks|tunnel/i.test((at.constructor as { name?: string } | undefined)?.name ?? '')) return true;
  return false;
}
