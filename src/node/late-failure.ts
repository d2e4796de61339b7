import type { Socket } from 'node:net';
import { inRootContext } from './context.js';
import { setTimeout, clearTimeout, setImmediate } from '../timers.js';

/** How long reading may go on after a write has failed, in milliseconds. */
const patience = 250;

type WriteCallback = (error?: Error | null) => void;

/**
 * A peer that closes first sends what it still has to say: GOAWAY, a whole response to an upload. The kernel keeps that
 * for us although the peer is gone; but Node destroys a socket whose write fails, unread as it may be. So such a failure
 * is told only when the socket has been read to its end. The process alone decides how late it reads: after it was busy
 * for a while, all that the peer has sent may lie there unread when two writes follow, of which the first is answered
 * with a reset.
 */
export function readBeforeFailing(socket: Socket): void {
  // The one place where the failure can be held back: once a callback of Writable has it, the socket is destroyed.
  const write = (socket as Partial<Pick<Socket, '_write'>>)._write;
  if (write === undefined) return;
  socket._write = (chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void => {
    write.call(socket, chunk, encoding, (error) => {
      if (error && isPeerGone(error) && !socket.readableEnded) inRootContext(whenRead, socket, () => callback(error));
      else callback(error);
    });
  };
}

function isPeerGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ECONNRESET';
}

function whenRead(socket: Socket, callback: () => void): void {
  const ended = (): void => {
    clearTimeout(timer);
    socket.off('end', ended);
    socket.off('close', ended);
    callback();
  };
  // After a poll phase: where the process was busy for all that time, nothing was read meanwhile.
  const timer = setTimeout(() => setImmediate(ended), patience).unref();
  // First of all listeners, so that the connection hears of a failure, with its cause, not of an orderly end.
  socket.prependListener('end', ended);
  socket.prependListener('close', ended);
}
