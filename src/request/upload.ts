import type { AsyncResource } from 'node:async_hooks';
import { concealed, invalidArgument, TransportError } from '../errors.js';
import type { RequestHandle } from '../ports/index.js';
import { flatten } from './prepare-request.js';
import type { PreparedRequest } from './prepared-request.js';
import type { HeadersInput } from './request-options.js';
import { detached, type BodyReader } from '../body/index.js';
import { queueMicrotask } from '../timers.js';

const noBytes = new Uint8Array(0);

/**
 * One attempt's way of sending body and trailers: pulls the source, one piece at a time and only when the piece before
 * has been sealed, so that a slow socket or an exhausted window stops the pulling.
 */
export class Upload {
  /** END_STREAM has been handed over, or the upload stopped. */
  done = false;
  /** It has not begun, and was not told to. */
  private heldBack = true;
  /** Nobody is told of its pieces: it may turn out not to be the attempt that counts. */
  unheard = false;
  private readonly handle: RequestHandle;
  private readonly request: PreparedRequest;
  private readonly context: AsyncResource | undefined;
  private readonly failed: (error: unknown) => void;
  private reader: BodyReader | undefined = undefined;
  private started = false;
  private ending = false;
  private sent = 0;

  /** @param context runs the caller's callbacks; @param failed the source failed, or did not keep its declared length */
  constructor(
    handle: RequestHandle,
    request: PreparedRequest,
    context: AsyncResource | undefined,
    failed: (error: unknown) => void,
  ) {
    this.handle = handle;
    this.request = request;
    this.context = context;
    this.failed = failed;
  }

  /** Begins, once, when the step that found out that it may is over: the source is the caller's code. False: it had begun. */
  begin(): boolean {
    if (!this.heldBack) return false;
    this.heldBack = false;
    this.handle.connection.later(() => {
      this.start();
    });
    return true;
  }

  private start(): void {
    if (this.started || this.done) return;
    this.started = true;
    const { body } = this.request;
    if (body === undefined || body.length === 0) return this.finish();
    if (body.bytes !== undefined) {
      if (body.bytes.length !== body.length) return this.fail(detached());
      const last = this.request.trailers === undefined;
      this.ending = last;
      this.handle.send(body.bytes, last);
      return;
    }
    this.inContext(() => {
      this.reader = body.open();
    });
    this.pull();
  }

  /** The piece has been sealed. */
  onDrain(): void {
    if (this.done || this.ending) return;
    if (this.reader === undefined) this.finish();
    else this.pull();
  }

  /** Lets go of the source: its `return()` or the like is called once, after the step under way, and not waited for. */
  stop(reason: unknown): void {
    if (this.done) return;
    this.done = true;
    this.heldBack = false;
    const { reader } = this;
    this.reader = undefined;
    if (reader !== undefined)
      queueMicrotask(() => {
        this.inContext(() => {
          reader.cancel(reason);
        });
      });
  }

  private pull(): void {
    const { reader } = this;
    if (reader === undefined) return;
    this.inContext(() => reader.next()).then(this.onPiece, this.onError);
  }

  private readonly onPiece = (piece: Uint8Array | undefined): void => {
    const { length, hooks } = this.request;
    if (hooks?.onPiece !== undefined && piece !== undefined && !this.done && !this.unheard)
      this.inContext(() => hooks.onPiece?.(piece));
    if (this.done) return;
    if (piece === undefined) {
      this.reader = undefined;
      if (length >= 0 && this.sent < length)
        return this.fail(lengthError(`only ${this.sent} bytes, not the ${length}`));
      return this.finish();
    }
    // No source gives an empty one (see BodyReader), so it was transferred on its way here.
    if (piece.length === 0) return this.fail(detached());
    this.sent += piece.length;
    if (length >= 0 && this.sent > length) return this.fail(lengthError(`more bytes than the ${length}`));
    const last = this.request.body?.length === length && this.sent === length;
    if (last) return this.sendLast(piece);
    // Where only the caller declares the length, END_STREAM follows once the source says that it has ended. To look for
    // that end first, as Go does, would hold the last piece back from a server that the source waits for, and
    // let the source write over it.
    this.handle.send(piece, false);
  };

  private readonly onError = (error: unknown): void => {
    this.fail(error);
  };

  /** The end of a Blob or a form, whose length is its own: END_STREAM rides on its last DATA. */
  private sendLast(piece: Uint8Array): void {
    this.reader?.cancel(undefined);
    this.reader = undefined;
    this.ending = this.request.trailers === undefined;
    this.handle.send(piece, this.ending);
  }

  /** The body has ended: trailers, if any, are asked for now. */
  private finish(): void {
    const { trailers } = this.request;
    this.ending = true;
    if (trailers === undefined) return this.handle.send(noBytes, true);
    if (typeof trailers !== 'function') return this.sendTrailers(trailers);
    const ask = async (): Promise<string[]> => {
      const made: unknown = await trailers();
      if (typeof made !== 'object' || made === null)
        throw invalidArgument('trailers (from their function)', concealed(made), 'a record, pairs, or a Headers');
      return flatten(made as HeadersInput, 'trailer', false);
    };
    this.inContext(ask).then(
      (fields) => {
        this.sendTrailers(fields);
      },
      (error: unknown) => {
        this.fail(error);
      },
    );
  }

  private sendTrailers(fields: readonly string[]): void {
    if (this.done) return;
    try {
      this.handle.sendTrailers(fields);
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.done) return;
    this.stop(error);
    this.failed(error);
  }

  private inContext<T>(call: () => T): T {
    return this.context === undefined ? call() : this.context.runInAsyncScope(call);
  }
}

function lengthError(what: string): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_REQUEST_BODY_LENGTH',
    `The request body gave ${what} that its content-length declares; the request was cancelled`,
    { scope: 'request', initiator: 'user' },
  );
}
