import type { Duplex } from 'node:stream';
import { abortable } from '../abortable.js';

/** The errors of a socket are read from `errored` when it closes. A socket in our hands always has this listener. */
export function ignoreError(): void {
  return;
}

/** Why a stream closed before it was of use. */
export function closeReason(stream: Duplex): Error {
  if (stream.errored) return stream.errored;
  return Object.assign(new Error('the connection closed before it was ready'), { code: 'ECONNRESET' });
}

/**
 * Resolves with `stream` once it can be written to, since it may still be connecting, or shaking hands under TLS.
 * Rejects when it closes instead, or with `signal.reason`; it is destroyed then.
 */
export function connected(stream: Duplex, signal: AbortSignal): Promise<Duplex> {
  const { connecting, secureConnecting } = stream as { connecting?: boolean; secureConnecting?: boolean };
  stream.on('error', ignoreError);
  const ready = abortable<Duplex>(signal, (resolve, reject) => {
    if (stream.destroyed) reject(closeReason(stream));
    const ready = secureConnecting === true ? 'secureConnect' : connecting === true ? 'connect' : undefined;
    if (ready === undefined) {
      resolve(stream);
      return () => undefined;
    }
    stream.once(ready, () => resolve(stream));
    stream.once('close', () => reject(closeReason(stream)));
    return () => undefined;
  });
  return ready.catch((error: unknown) => {
    stream.destroy();
    throw error;
  });
}
