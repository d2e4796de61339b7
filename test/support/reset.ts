import type { Socket } from 'node:net';

/**
 * A TCP reset by our side. Not while our own end is under way: libuv refuses it then (EINVAL), Node takes the socket for
 * closed all the same, and the process never exits (seen on Node 20 to 26). Such a socket is only closed.
 *
 * @param secure the TLS socket over it, where there is one
 */
export function resetSocket(tcp: Socket, secure: Socket = tcp): void {
  if (!isEnding(tcp) && !isEnding(secure)) tcp.resetAndDestroy();
  secure.destroy();
}

function isEnding(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished;
}
