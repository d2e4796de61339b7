/** Carries what is written to a request into its body: a piece is taken when the transport asks for it. */
export class OutgoingBody {
  private piece: Uint8Array | undefined = undefined;
  private taken: (() => void) | undefined = undefined;
  private ended: (() => void) | undefined = undefined;
  private wake: (() => void) | undefined = undefined;
  /** The transport wants no more: the response has come without it, or the request is over. */
  private closed = false;

  /** One piece at a time: `taken` is called when the next is wanted. */
  write(piece: Uint8Array, taken: () => void): void {
    if (this.closed) {
      taken();
      return;
    }
    this.piece = piece;
    this.taken = taken;
    this.wake?.();
  }

  /** No more is written: `ended` is called when all was taken. */
  end(ended: () => void): void {
    if (this.closed) {
      ended();
      return;
    }
    this.ended = ended;
    this.wake?.();
  }

  async *stream(): AsyncGenerator<Uint8Array, void> {
    try {
      while (!this.closed) {
        const piece = this.piece;
        if (piece !== undefined) {
          yield piece;
          this.release();
        } else if (this.ended !== undefined) {
          return;
        } else {
          await new Promise<void>((resolve) => (this.wake = resolve));
          this.wake = undefined;
        }
      }
    } finally {
      this.close();
    }
  }

  /** The one piece that is all of the body, as often as it is asked for. */
  async *again(piece: Uint8Array): AsyncGenerator<Uint8Array, void> {
    try {
      yield await Promise.resolve(piece);
    } finally {
      this.close();
    }
  }

  /** Lets go of whoever writes. */
  close(): void {
    this.closed = true;
    this.release();
    const ended = this.ended;
    this.ended = undefined;
    ended?.();
    this.wake?.();
  }

  private release(): void {
    const taken = this.taken;
    this.piece = undefined;
    this.taken = undefined;
    taken?.();
  }
}
