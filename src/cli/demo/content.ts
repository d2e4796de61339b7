import { createHash, randomFillSync } from 'node:crypto';

const variety = 65_536;
const largest = 2 ** 20;
const noise = randomFillSync(Buffer.allocUnsafe(largest + variety));

/** The bytes that belong to request `n`: others than its neighbours', so that bytes of a wrong stream are noticed. */
export function contentOf(n: number, length: number): Buffer {
  if (length > largest) throw new RangeError(`content has at most ${largest} bytes`);
  const from = (n * 131) % variety;
  return noise.subarray(from, from + length);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
