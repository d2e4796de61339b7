import type { DialTimes } from './observer.js';

/** Where bytes from the peer go. Calls come one at a time and never from within a call on the transport. */
export interface ByteSink {
  /** Bytes from the peer. When the transport's reads are transient they are overwritten after this call. */
  onBytes(bytes: Uint8Array): void;
  /** The peer has ended its side: FIN, or close_notify under TLS. */
  onEnd(): void;
  /** Nothing comes or goes any more. Called once, last. */
  onClose(error: Error | undefined): void;
}

export interface TransportInfo {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  /** The protocol that ALPN chose; undefined in the clear or on a stream that does not say. */
  readonly alpnProtocol: string | undefined;
  /** The TLS version and cipher suite; undefined in the clear. */
  readonly tls: { readonly version: string; readonly cipher: string } | undefined;
  /** How long connecting took, where it is known. */
  readonly dial?: DialTimes | undefined;
}

/** Makes what `onBytes` gets last longer than the call. Both are called from within `onBytes`. */
export interface ZeroCopyReads {
  /** What this call got stays as it is until the next call has returned. */
  retain(): void;
  /** What the call before got, and was retained, is not to be overwritten any more. */
  detach(): void;
}

/** An ordered stream of bytes both ways: the only thing of the network that a connection sees. */
export interface ByteTransport {
  readonly info: TransportInfo;
  /** True: what `onBytes` gets lives in a buffer that the next read overwrites. */
  readonly transientReads: boolean;
  /** Where transient reads can be made to last. */
  readonly zeroCopyReads?: ZeroCopyReads | undefined;
  /** Begins delivery. Called once. */
  start(sink: ByteSink): void;
  /**
   * Writes one chunk. `done` is called when the layer below has taken all of it, never synchronously from within
   * this call, and never after `destroy`. The caller waits for `done` before it writes again, and leaves the bytes
   * alone until then.
   */
  write(bytes: Uint8Array, done: () => void): void;
  /** Ends our side once what was written has gone out, and lets the close complete by itself. */
  end(): void;
  /** Gives everything up at once. */
  destroy(error?: Error): void;
  /** Whether this connection keeps the process alive; a transport starts out keeping it alive. */
  ref(): void;
  unref(): void;
}
