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
 * The addresses of a name by the hosts file and the servers of DNS, without a thread. Rejects where they do not know it, and
 * for a name that dns.lookup may take for another: one that a search domain would be tried on first, or that is not DNS's.
 */
export async function askServers(
  hostname: string,
  family: number,
  servers: NameServers = new (process.getBuiltinModule('node:dns').promises.Resolver)(),
  files: SystemFiles = systemFiles,
): Promise<readonly string[]> {
  const listed = fromHosts(await read(files.hosts), hostname.toLowerCase(), family);
  if (listed.length > 0) return listed;
  const dots = hostname.split('.').length - 1;
  if (dots < ndots(await read(files.resolvConf)) || /(?:^|\.)(?:local|localhost)\.?$/i.test(hostname))
    throw new Error(`${hostname} is not for the servers of DNS alone`);
  const found = await Promise.all([
    family === 6 ? [] : servers.resolve4(hostname).catch(none),
    family === 4 ? [] : servers.resolve6(hostname).catch(none),
  ]);
  if (found.flat().length === 0) throw new Error(`the servers of DNS do not know ${hostname}`);
  return interleaveFamilies(found.flat());
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

/** Names with fewer dots are tried with the search domains first (resolv.conf(5)). */
function ndots(text: string): number {
  const options = [...text.matchAll(/^[ \t]*options[ \t].*?\bndots:(\d+)/gm)].at(-1)?.[1];
  return Number(/\bndots:(\d+)/.exec(process.env['RES_OPTIONS'] ?? '')?.[1] ?? options ?? 1);
}

function none(): string[] {
  return [];
}
