import { createHash } from 'node:crypto';
import type { ClientResponse, RequestOptions, Transport } from '../../index.js';
import { contentOf, sha256 } from './content.js';

/** One request of the demo and what its answer must be. */
export interface Work {
  /** Distinct; it is in the path, so that the frame observer can tell which connection carries it. */
  readonly n: number;
  readonly kind: 'download' | 'upload' | 'echo' | 'trailers';
  /** Bytes of the body that goes or comes. */
  readonly size: number;
}

const kinds: readonly Work['kind'][] = ['download', 'trailers', 'download', 'upload', 'download', 'echo'];
const sizes: readonly number[] = [0, 200, 1_000, 4_000, 16_000, 700, 65_000, 2_500, 250_000, 90, 1_000_000];

/** The n-th request of the mix: every kind meets every size, most of them small. */
export function workOf(n: number): Work {
  const size = sizes[n % sizes.length] ?? 0;
  return { n, kind: kinds[n % kinds.length] ?? 'download', size };
}

/** Sends one request and checks the whole answer: status, length, content, digest, trailers. Rejects if anything is off. */
export async function perform(transport: Transport, base: string, work: Work, timeout: number): Promise<void> {
  const { n, kind, size } = work;
  switch (kind) {
    case 'download': {
      const response = await send(transport, `${base}/bytes/${size}?n=${n}`, { timeout });
      return expectContent(await response.body.bytes(), work);
    }
    case 'trailers': {
      const response = await send(transport, `${base}/trailers/${size}?n=${n}`, { timeout });
      expectContent(await response.body.bytes(), work);
      return expectTrailers(response, work);
    }
    case 'upload': {
      const body = contentOf(n, size);
      const response = await send(transport, `${base}/upload?n=${n}`, { method: 'PUT', body, timeout });
      return expectReceipt(await response.body.json(), size, sha256(body));
    }
    case 'echo': {
      const body = contentOf(n, size);
      const response = await send(transport, `${base}/echo?n=${n}`, { method: 'POST', body, timeout });
      expectContent(await response.body.bytes(), work);
      return expectTrailers(response, work);
    }
  }
}

const pieceSize = 65_536;

/** Uploads `size` bytes, a multiple of 64 KiB, as a stream, and checks that the origin received exactly those. */
export async function performLargeUpload(
  transport: Transport,
  base: string,
  n: number,
  size: number,
  timeout: number,
): Promise<void> {
  const hash = createHash('sha256');
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < size / pieceSize; i += 1) {
      const piece = contentOf(n + i, pieceSize);
      hash.update(piece);
      yield piece;
    }
  }
  const response = await send(transport, `${base}/upload?n=${n}`, { method: 'PUT', body: pieces(), timeout });
  expectReceipt(await response.body.json(), size, hash.digest('hex'));
}

async function send(transport: Transport, url: string, options: RequestOptions): Promise<ClientResponse> {
  const response = await transport.request(url, options);
  expectEqual('status', response.status, 200);
  return response;
}

function expectContent(bytes: Uint8Array, { n, size }: Work): void {
  expectEqual('length of the body', bytes.length, size);
  if (Buffer.compare(bytes, contentOf(n, size)) !== 0) throw new Error('the body is not the one that was sent');
}

async function expectTrailers(response: ClientResponse, { n, size }: Work): Promise<void> {
  const trailers = await response.trailers;
  expectEqual('trailer x-bytes', trailers.get('x-bytes'), String(size));
  expectEqual('trailer x-sha256', trailers.get('x-sha256'), sha256(contentOf(n, size)));
}

function expectReceipt(receipt: unknown, bytes: number, digest: string): void {
  const { bytes: received, sha256: found } = (receipt ?? {}) as { bytes?: unknown; sha256?: unknown };
  expectEqual('number of bytes that arrived', received, bytes);
  expectEqual('digest of the bytes that arrived', found, digest);
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`the ${what} is ${String(found)} instead of ${String(expected)}`);
}
