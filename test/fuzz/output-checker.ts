import assert from 'node:assert/strict';

const prefaceLength = 24;

/** What we write is HTTP/2 whatever the peer does: frames that may come where they come (RFC 9113 sections 4 to 6). */
export class OutputChecker {
  #skip = prefaceLength;
  readonly #header = new Uint8Array(9);
  #filled = 0;
  #left = 0;
  #openBlock = 0;
  #lastStream = 0;
  #goAways = 0;
  /** Streams on which nothing but WINDOW_UPDATE and RST_STREAM may follow, and those on which nothing may. */
  readonly #ended = new Set<number>();
  readonly #reset = new Set<number>();

  check(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#left > 0) {
        const skipped = Math.min(this.#left, bytes.length - at);
        this.#left -= skipped;
        at += skipped;
      } else {
        this.#header[this.#filled++] = bytes[at++]!;
        if (this.#filled === 9) this.#frame();
      }
    }
  }

  #frame(): void {
    const header = this.#header;
    this.#filled = 0;
    this.#left = (header[0]! << 16) | (header[1]! << 8) | header[2]!;
    const type = header[3]!;
    const flags = header[4]!;
    const id = (header[5]! << 24) | (header[6]! << 16) | (header[7]! << 8) | header[8]!;
    assert.ok(id >= 0 && type <= 9 && type !== 2 && type !== 5, `frame of type ${type} on stream ${id}`);
    assert.equal(type === 9, this.#openBlock !== 0, 'a header block is not interrupted');
    if (type === 9) assert.equal(id, this.#openBlock);
    if (type === 4 || type === 6 || type === 7) assert.equal(id, 0);
    else if (type !== 8) assert.ok(id % 2 === 1, 'a stream of ours');
    if (id !== 0) this.#onStream(type, flags, id);
    if (type === 1 || type === 9) this.#openBlock = (flags & 4) === 0 ? id : 0;
    // One that says farewell, and one that says why after all.
    if (type === 7) assert.ok(++this.#goAways <= 2);
  }

  #onStream(type: number, flags: number, id: number): void {
    assert.ok(!this.#reset.has(id), 'nothing follows RST_STREAM');
    if (type === 1 && id > this.#lastStream) this.#lastStream = id;
    assert.ok(id <= this.#lastStream, 'nothing comes before HEADERS');
    if (type === 0 || type === 1) {
      assert.ok(!this.#ended.has(id), 'no DATA or HEADERS follows END_STREAM');
      if ((flags & 1) !== 0) this.#ended.add(id);
    } else if (type === 3) this.#reset.add(id);
  }
}
