import type { Duplex } from 'node:stream';
import { abortable } from '../abortable.js';
import { brokeOff, refused, type Route } from './failure.js';

/** The head of a proxy's answer may have so many bytes. */
const maxHeadSize = 16_384;

/**
 * Asks the proxy at the other end of `socket` for a tunnel, over HTTP/1.1 (RFC 9110 section 9.3.6), and resolves with
 * the socket, which then leads to the origin. What came right after the answer's head is in it already.
 */
export async function connectOver(
  socket: Duplex,
  route: Route,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Duplex> {
  const { request } = await import('node:http');
  if (signal.aborted) socket.destroy();
  signal.throwIfAborted();
  if (socket.destroyed) throw brokeOff(route, new Error('it closed the connection'));
  return abortable(signal, (resolve, reject) => {
    const options = {
      method: 'CONNECT',
      path: fields['host'],
      headers: fields,
      createConnection: () => socket,
      setHost: false,
      maxHeaderSize: maxHeadSize,
      insecureHTTPParser: false,
    };
    const call = request(options);
    call.removeHeader('connection'); // node:http would say `close`
    call.once('connect', ({ statusCode = 0 }, _socket, head: Buffer) => {
      if (statusCode >= 200 && statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        return resolve(socket);
      }
      reject(refused(route, statusCode, 'proxy-authorization' in fields));
    });
    call.on('error', (error) => {
      reject(brokeOff(route, error));
    });
    call.end();
    return (resolved) => {
      if (!resolved) socket.destroy();
    };
  });
}
