import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { abortable } from './abortable.js';

/**
 * The addresses of a host in the order in which to try them. A literal address is its own. `lookup` is as in
 * node:net; `localAddress` restricts the answer to its family.
 */
export async function resolveAddresses(
  hostname: string,
  options: { readonly lookup?: LookupFunction | undefined; readonly localAddress?: string | undefined },
  signal: AbortSignal,
): Promise<string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  const found = await lookUp(hostname, options.lookup ?? systemLookup(), isIP(options.localAddress ?? ''), signal);
  if (found.length > 0) return interleaveFamilies(found);
  throw Object.assign(new Error(`The lookup of ${hostname} gave no address.`), { code: 'ENOTFOUND' });
}

/** dns.lookup; loaded when a name is first looked up. */
function systemLookup(): LookupFunction {
  return process.getBuiltinModule('node:dns').lookup;
}

/** By turns an address of one family and of the other, beginning with that of the first (RFC 8305 section 4). */
export function interleaveFamilies(addresses: readonly string[]): string[] {
  const first = isIP(addresses[0] ?? '');
  const same = addresses.filter((address) => isIP(address) === first);
  const other = addresses.filter((address) => isIP(address) !== first);
  return same
    .slice(0, Math.max(same.length, other.length))
    .flatMap((address, i) => [address, ...other.slice(i, i + 1)])
    .concat(other.slice(same.length));
}

function lookUp(hostname: string, lookup: LookupFunction, family: number, signal: AbortSignal): Promise<string[]> {
  return abortable(signal, (resolve, reject) => {
    lookup(hostname, { all: true, family }, (error, found: string | LookupAddress[]) => {
      if (error) reject(error);
      else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
    });
    return () => undefined; // a lookup cannot be taken back: its answer goes nowhere
  });
}
