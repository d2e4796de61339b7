/**
 * Header compression failed: the peer's block breaks RFC 7541, or a field cannot be encoded. In HTTP/2 a block that
 * does not decode is a connection error COMPRESSION_ERROR (RFC 9113 section 4.3). The message never holds a value.
 */
export class HpackError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'HpackError';
  }
}
