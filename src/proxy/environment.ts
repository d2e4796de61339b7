import { BlockList, isIP } from 'node:net';
import type { Origin } from '../ports/index.js';
import { parseProxy, type Proxy } from './proxy.js';

/** Which proxy leads to an origin; undefined: none does. */
export type ProxyRule = (origin: Origin) => Proxy | undefined;

/**
 * The rule that http_proxy, https_proxy, all_proxy and no_proxy make, read once. Lower case goes before upper case, and
 * an empty value counts as none. HTTP_PROXY is left alone in a CGI script (REQUEST_METHOD is set), where a `Proxy` header
 * of a stranger sets it. Throws a TypeError, ERR_INVALID_ARG_VALUE, that names the variable.
 */
export function environmentRule(env: Readonly<Record<string, string | undefined>>): ProxyRule {
  const proxies = new Map<string, Proxy>(); // two variables that say the same mean the same
  const proxyIn = (...names: readonly string[]): Proxy | undefined => {
    const name = names.find((one) => given(env[one]));
    if (name === undefined) return undefined;
    const url = (env[name] ?? '').trim();
    const proxy = proxies.get(url) ?? parseProxy(`environment variable '${name}'`, url);
    proxies.set(url, proxy);
    return proxy;
  };
  const cgi = given(env['REQUEST_METHOD']);
  const all = ['all_proxy', 'ALL_PROXY'];
  const http = proxyIn('http_proxy', ...(cgi ? [] : ['HTTP_PROXY']), ...all);
  const https = proxyIn('https_proxy', 'HTTPS_PROXY', ...all);
  const exempt = exemptions(given(env['no_proxy']) ? env['no_proxy'] : (env['NO_PROXY'] ?? ''));
  return (origin) => {
    const proxy = origin.scheme === 'https:' ? https : http;
    return proxy === undefined || exempt(origin) ? undefined : proxy;
  };
}

function given(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== '';
}

/**
 * The hosts of no_proxy, separated by commas or blanks: `*` is every host; a name stands for itself and what is under it,
 * with a dot in front or without; an address for itself, in brackets or without; an address with `/bits` for its network.
 * Each but the last may have a port. localhost and loopback addresses are exempt only where they are named, as with curl.
 */
function exemptions(list: string): (origin: Origin) => boolean {
  const entries = list.toLowerCase().split(/[\s,]+/);
  if (entries.includes('*')) return () => true;
  const tests = entries.filter((entry) => entry !== '').map(exemption);
  return (origin) => tests.some((test) => test(origin));
}

function exemption(entry: string): (origin: Origin) => boolean {
  const network = networkTest(entry);
  if (network !== undefined) return ({ hostname }) => network(hostname);
  // Two colons without brackets match nothing here: they are an IPv6 address, whose last part is no port.
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain ?? entry;
  const only = port === undefined ? undefined : Number(port);
  const named = isIP(host) === 0 ? nameTest(host) : addressTest(host);
  return (origin) => (only === undefined || only === origin.port) && named(origin.hostname);
}

function nameTest(entry: string): (hostname: string) => boolean {
  const name = entry.replace(/^\*?\./, '').replace(/\.$/, '');
  const suffix = `.${name}`;
  return (hostname) => {
    const host = hostname.replace(/\.$/, '');
    return name !== '' && isIP(host) === 0 && (host === name || host.endsWith(suffix));
  };
}

/** An IPv6 address can be written in many ways. */
function addressTest(address: string): (hostname: string) => boolean {
  const list = new BlockList();
  list.addAddress(address, family(address));
  return (hostname) => isIP(hostname) !== 0 && list.check(hostname, family(hostname));
}

function networkTest(entry: string): ((hostname: string) => boolean) | undefined {
  const [, address = '', bits = ''] = /^\[?([^/\]]*)\]?\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(address) === 0 || Number(bits) > (isIP(address) === 4 ? 32 : 128)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family(address));
  return (hostname) => isIP(hostname) !== 0 && list.check(hostname, family(hostname));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
