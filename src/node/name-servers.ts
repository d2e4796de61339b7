import { interleaveFamilies } from './address.js';

/** What is asked of a server of DNS; the part of `dns.promises.Resolver` that is used. */
export interface NameServers {
  resolve4(hostname: string): Promise<string[]>;
  resolve6(hostname: string): Promise<string[]>;
}

/** Where the system keeps the names that it knows itself, and how it looks up others. */
export interface SystemFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

const systemFiles: SystemFiles = {
  hosts: process.platform === 'win32' ? `${process.env['SystemRoot']}\\System32\\drivers\\etc\\hosts` : '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
};

/**
 * The addresses of a name by the hosts file and the servers of DNS, without a thread: with the search domains first where
 * dns.lookup does that. Rejects where they do not know it, or where one does not say whether it is there, and for a name
 * that is not DNS's.
 */
export async function askServers(
  hostname: string,
  family: number,
  servers: NameServers = new (process.getBuiltinModule('node:dns').promises.Resolver)(),
  files: SystemFiles = systemFiles,
): Promise<readonly string[]> {
  const listed = fromHosts(await read(files.hosts), hostname.toLowerCase(), family);
  if (listed.length > 0) return listed;
  const names = candidates(hostname, await read(files.resolvConf));
  if (names.length === 0 || /(?:^|\.)(?:local|localhost)\.?$/i.test(hostname))
    throw new Error(`${hostname} is not for the servers of DNS alone`);
  for (const name of names) {
    const asked = await Promise.allSettled([
      family === 6 ? [] : servers.resolve4(name),
      family === 4 ? [] : servers.resolve6(name),
    ]);
    const found = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    if (found.length > 0) return interleaveFamilies(found);
    const unclear = asked.find((one) => one.status === 'rejected' && !isUnknown(one.reason));
    if (unclear !== undefined) break; // the next may be another's
  }
  throw new Error(`the servers of DNS do not know ${hostname}`);
}

/** The server has said that there is no such name, or that it has no such address. */
function isUnknown(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/** A file that is not there says nothing. */
async function read(path: string): Promise<string> {
  return process
    .getBuiltinModule('node:fs')
    .promises.readFile(path, 'utf8')
    .catch(() => '');
}

function fromHosts(text: string, hostname: string, family: number): string[] {
  const addresses: string[] = [];
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const fits = family === 0 || family === (address.includes(':') ? 6 : 4);
    if (fits && names.some((name) => name.toLowerCase() === hostname)) addresses.push(address);
  }
  return addresses;
}

/** Names with fewer dots than `ndots` are tried with the search domains first (resolv.conf(5)); without those, who knows. */
function candidates(hostname: string, text: string): string[] {
  const last = (line: RegExp): string | undefined => [...text.matchAll(line)].at(-1)?.[1];
  const { RES_OPTIONS = '', LOCALDOMAIN } = process.env;
  const ndots = /\bndots:(\d+)/.exec(RES_OPTIONS)?.[1] ?? last(/^[ \t]*options[ \t].*?\bndots:(\d+)/gm) ?? 1;
  if (hostname.endsWith('.') || hostname.split('.').length > Number(ndots)) return [hostname];
  const domains = (LOCALDOMAIN ?? last(/^[ \t]*(?:search|domain)[ \t]+(.+)/gm) ?? '').split(/\s+/).filter(Boolean);
  return domains.length === 0 ? [] : [...domains.map((domain) => `${hostname}.${domain}`), hostname];
}
