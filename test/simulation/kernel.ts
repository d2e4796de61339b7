/**
 * How a kernel buffers what is written, from traces of real sockets (record/socket.ts prints them; Linux 6, loopback, node
 * v20.20): with nobody reading it takes 3.87 MB. Once full it takes no more until more than a third of that is free, then 1.44 MB in
 * one burst: with a reader at 5 MB/s a write completes in gaps of 0.29 s, at 1 MB/s of 1.43 s, at 0.2 MB/s of 7.1 s. A write
 * that is taken at once is reported in the next tick; under TLS after the next poll (node's TLSWrap).
 */
export const kernel = {
  /** Of the sender, in bytes: not acknowledged yet, or not sent. */
  sendBuffer: 3_735_552,
  /** Of the receiver, in bytes: not read yet, or on the way. */
  receiveBuffer: 131_072,
  /** A full send buffer is writable again when this share of it is free. */
  writableShare: 1_441_792 / 3_735_552,
  /** The first wait for an answer before something is sent again, in milliseconds; each further one is twice as long. */
  retransmit: 200,
  /** The same for the first packet of a connection. */
  retransmitConnect: 1_000,
  mostRetransmit: 60_000,
  /** When a connection is given up whose other side is gone, and has not said so: 15 retransmissions (tcp_retries2), in milliseconds. */
  givesUpAfter: 924_600,
  /** As glibc asks a name server: again after so many milliseconds without an answer, and so often in all (resolv.conf(5)). */
  lookupPatience: 5_000,
  lookupAttempts: 2,
  /** What one read can take, as libuv asks for, in bytes. */
  read: 65_536,
} as const;
