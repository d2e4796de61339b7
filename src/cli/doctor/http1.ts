import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Transport } from '../../index.js';
import { ask, type Answer } from './ask.js';
import type { Place, Step } from './secure.js';

/** What was seen of a server that is spoken to in HTTP/1.1. */
export interface Http1Report {
  /** Of the answer to a GET, also where its body did not come. */
  readonly status: number | undefined;
  readonly answer: Answer | undefined;
}

/** Speaks HTTP/1.1 on a connection: one GET. */
export async function probeHttp1(place: Place, socket: Socket): Promise<Step<Http1Report>> {
  const { timeout, url } = place;
  // Without a word of it by ALPN, HTTP/2 would be spoken on it.
  if (socket instanceof TLSSocket) socket.alpnProtocol = 'http/1.1';
  const transport = new Transport({
    createConnection: () => socket,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    retry: { maxAttempts: 1 },
  });
  try {
    const { status, answer, findings } = await ask(place, 'HTTP/1.1', () =>
      transport.request(url, { decompress: false }),
    );
    return { value: { status, answer }, findings };
  } finally {
    transport.destroy();
  }
}
