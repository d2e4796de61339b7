/** So many bytes tell what speaks on the other side. */
const enough = 5;

/** The first bytes of a server, kept until it has proved by its SETTINGS that it speaks HTTP/2. */
export class Opening {
  private readonly bytes = new Uint8Array(enough);
  private filled = 0;

  take(chunk: Uint8Array): void {
    const more = chunk.subarray(0, enough - this.filled);
    this.bytes.set(more, this.filled);
    this.filled += more.length;
  }

  /** What the server of `origin` speaks instead, and what to do then; undefined where its bytes do not tell. */
  foreign(origin: string): string | undefined {
    const [type, major] = this.bytes;
    // An alert record (RFC 8446 section 5.1) is what a TLS server makes of bytes in the clear.
    if (type === 0x15 && major === 0x03) return 'The server speaks TLS: use an https: URL';
    if (String.fromCharCode(...this.bytes) !== 'HTTP/') return undefined;
    const told = 'The server speaks HTTP/1.1, and HTTP/2 was asked of it';
    return origin.startsWith('http:') ? `${told}: leave out cleartext: 'h2c' (or PASSINGLANE_CLEARTEXT)` : told;
  }
}
