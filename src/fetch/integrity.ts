import { networkError } from './errors.js';

/** By strength. */
const algorithms = ['sha256', 'sha384', 'sha512'];

/**
 * Throws where the bytes have none of the digests that the metadata asks for (Subresource Integrity, section 3.3). Of
 * several algorithms the strongest counts. Metadata asks for nothing only where it names no algorithm that is known: a
 * digest which cannot be one matches nothing ("parse metadata" looks at the algorithm alone).
 */
export function checkIntegrity(bytes: Uint8Array, metadata: string): void {
  const wanted = metadata
    .split(/[\t\n\f\r ]+/)
    .map((item) => /^(sha256|sha384|sha512)(?:-([^?]*))?(?:\?|$)/i.exec(item))
    .filter((match) => match !== null)
    .map(([, algorithm = '', digest = '']) => ({ strength: algorithms.indexOf(algorithm.toLowerCase()), digest }));
  if (wanted.length === 0) return;
  const strength = Math.max(...wanted.map((one) => one.strength));
  const { createHash } = process.getBuiltinModule('node:crypto');
  const found = createHash(algorithms[strength]!).update(bytes).digest('base64url');
  const matches = wanted.some((one) => one.strength === strength && base64url(one.digest) === found);
  if (!matches) throw networkError('The response body does not have the digest that integrity asks for');
}

function base64url(digest: string): string {
  return digest
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/={1,2}$/, '');
}
