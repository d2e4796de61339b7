import type { LookupAddress } from 'node:dns';
import { isIPv4, isIPv6, type LookupFunction } from 'node:net';

/**
 * As net.isIP, which tries its pattern for IPv6 on every name: compiling that takes milliseconds of a process's first
 * request, and there is no address of IPv6 without a colon.
 */
export function familyOf(host: string): 0 | 4 | 6 {
  if (host.includes(':')) return isIPv6(host) ? 6 : 0;
  return isIPv4(host) ? 4 : 0;
}

/**
 * The addresses of a name in the order in which to try them: at least one. `lookup` is as in node:net; `family`
 * restricts the answer to it, if it is not 0.
 */
export async function lookUp(hostname: string, lookup: LookupFunction, family: number): Promise<readonly string[]> {
  // What it gives is looked at outside its callback: an error thrown in there would be nobody's, and end the process.
  const found = await new Promise<unknown>((resolve, reject) => {
    lookup(hostname, { all: true, family }, (error, found: string | LookupAddress[]) => {
      if (error) reject(error);
      else resolve(found);
    });
  });
  const given: unknown[] = Array.isArray(found) ? found.map(addressOf) : [found];
  if (given.length === 0)
    throw Object.assign(new Error(`The lookup of ${hostname} gave no address.`), { code: 'ENOTFOUND' });
  if (!given.every((address) => typeof address === 'string' && familyOf(address) !== 0)) throw noAddress(hostname);
  return interleaveFamilies(given as string[]);
}

/** Of one entry of what a lookup of the caller's gives, which may be anything. */
function addressOf(entry: unknown): unknown {
  return (entry as Partial<LookupAddress> | null | undefined)?.address;
}

function noAddress(hostname: string): Error {
  const text = `the lookup of ${hostname} gave something else than addresses: an array of { address, family } or one IP address`;
  return Object.assign(new TypeError(text), { code: 'ERR_INVALID_IP_ADDRESS' });
}

/** By turns an address of one family and of the other, beginning with that of the first (RFC 8305 section 4). */
export function interleaveFamilies(addresses: readonly string[]): string[] {
  const first = familyOf(addresses[0] ?? '');
  const same = addresses.filter((address) => familyOf(address) === first);
  const other = addresses.filter((address) => familyOf(address) !== first);
  return same
    .slice(0, Math.max(same.length, other.length))
    .flatMap((address, i) => [address, ...other.slice(i, i + 1)])
    .concat(other.slice(same.length));
}
