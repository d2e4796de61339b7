/** A download that has begun, and what the server sends of it. */
import type { Answer, PoolHarness } from './pool-harness.js';

/** The server's answer: headers, and a body that is to come. */
export const begins: Answer = (peer, id) => peer.headers(id, 200);

/** The first request of all, whose body is read as it comes. */
export async function download(p: PoolHarness): Promise<void> {
  const call = p.get('/large');
  await p.settle();
  void call.response?.body.dump().catch(() => undefined); // it ends with the transport
}

/** So many frames of 16 KiB, each so many milliseconds after the last. */
export async function sends(p: PoolHarness, frames: number, every: number): Promise<void> {
  for (let i = 0; i < frames; i++) {
    p.peer(0).data(1, Buffer.alloc(16_384));
    await p.clock.advance(every);
  }
}
