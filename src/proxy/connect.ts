import type { Duplex } from 'node:stream';
import { abortable } from '../abortable.js';
import { ResponseParser, writeHead } from '../http1/index.js';
import { fieldListSize } from '../ports/index.js';
import { brokeOff, refused, type Route } from './failure.js';

/** The head of a proxy's answer may have so many bytes, and so may all interim ones before it, each by its header list size. */
const maxHeadSize = 16_384;

/**
 * Asks the proxy at the other end of `socket` for a tunnel, over HTTP/1.1 (RFC 9110 section 9.3.6), and resolves with
 * the socket, which then leads to the origin. What came right after the answer's head is in it already.
 */
export function connectOver(
  socket: Duplex,
  route: Route,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Duplex> {
  if (signal.aborted) socket.destroy();
  return abortable(signal, (resolve, reject) => {
    const fail = (error: unknown): void => reject(brokeOff(route, error));
    const closed = (): void => fail(new Error('it closed the connection'));
    const answer = new Answer();
    const read = (): void => {
      let chunk: Buffer | null;
      while ((chunk = socket.read() as Buffer | null) !== null) {
        try {
          if (!answer.take(chunk)) continue;
        } catch (error) {
          return fail(error);
        }
        const { status, rest } = answer;
        if (status < 200 || status > 299) return reject(refused(route, status, 'proxy-authorization' in fields));
        if (rest.length > 0) socket.unshift(rest);
        return resolve(socket);
      }
    };
    if (socket.destroyed) closed();
    else {
      socket.on('readable', read).on('end', closed).on('close', closed).on('error', fail);
      const headers = Object.entries(fields).flat();
      const head = { method: 'CONNECT', path: fields['host']!, headers, chunked: false };
      socket.write(writeHead(head, route.origin.href), 'latin1');
    }
    return (resolved) => {
      socket.off('readable', read).off('end', closed).off('close', closed).off('error', fail);
      if (!resolved) socket.destroy();
    };
  });
}

/** What the proxy says to CONNECT. Interim responses may come before it, which say nothing (RFC 9110 section 15.2). */
class Answer {
  status = 0;
  /** What came behind it: the first of the tunnel. */
  rest: Buffer = Buffer.alloc(0);
  private interim = 0;
  private readonly parser = new ResponseParser(
    {
      onHead: ({ status, fields }) => {
        this.status = status;
        if (status >= 200 || status === 101) return;
        this.interim += fieldListSize([':status', String(status), ...fields]);
        if (this.interim > maxHeadSize) throw new Error(`interim responses (1xx) of more than ${maxHeadSize} bytes`);
      },
      onBody: () => undefined,
    },
    true, // RFC 9110 section 9.3.6: none behind 2xx, and behind another nobody reads it
    maxHeadSize,
  );

  /** Takes what was read; true when the answer is there. Throws for what is none. */
  take(bytes: Buffer): boolean {
    this.rest = bytes.subarray(this.parser.execute(bytes));
    return this.parser.whole;
  }
}
