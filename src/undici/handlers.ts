import type { DispatchController } from './contract.js';
import { Dispatched } from './dispatched.js';
import { toRaw, toRecord } from './fields.js';
import type { Tunnel } from './tunnel.js';

/** A request whose handler is of undici 6's kind: `onConnect`, `onHeaders`, `onData`, `onComplete`, `onError`. */
export class OlderDispatched extends Dispatched {
  protected override started(): void {
    this.handler.onConnect?.(this.abort, null);
  }

  protected override headers(status: number, fields: readonly string[]): void {
    if (this.handler.onHeaders?.(status, toRaw(fields), this.resume, '') === false) this.pause();
  }

  protected override data(chunk: Buffer): void {
    if (this.handler.onData?.(chunk) === false) this.pause();
  }

  protected override ended(trailers: readonly string[]): void {
    this.handler.onComplete?.(toRaw(trailers));
  }

  protected override failed(error: Error): void {
    this.handler.onError?.(error);
  }

  protected override upgraded(status: number, fields: readonly string[], tunnel: Tunnel): void {
    this.handler.onUpgrade?.(status, toRaw(fields), tunnel);
  }
}

/** A request whose handler is of undici 8's kind, `onRequestStart` and so on; it is its own controller. */
export class NewerDispatched extends Dispatched implements DispatchController {
  private fields: readonly string[] | undefined = undefined;
  private trailers: readonly string[] | undefined = undefined;

  private raw: Buffer[] | null = null;
  private rawEnd: Buffer[] | null = null;

  /** Made when asked for, which undici's fetch does and its `request` does not. Interceptors may set another. */
  get rawHeaders(): Buffer[] | null {
    if (this.fields !== undefined) this.raw ??= toRaw(this.fields);
    return this.raw;
  }

  set rawHeaders(raw: Buffer[] | null) {
    this.raw = raw;
  }

  get rawTrailers(): Buffer[] | null {
    if (this.trailers !== undefined) this.rawEnd ??= toRaw(this.trailers);
    return this.rawEnd;
  }

  set rawTrailers(raw: Buffer[] | null) {
    this.rawEnd = raw;
  }

  protected override started(): void {
    this.handler.onRequestStart?.(this, null);
  }

  protected override headers(status: number, fields: readonly string[]): void {
    this.fields = fields;
    this.raw = null; // those of a 1xx response before
    this.handler.onResponseStart?.(this, status, toRecord(fields), '');
  }

  protected override data(chunk: Buffer): void {
    this.handler.onResponseData?.(this, chunk);
  }

  protected override ended(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.handler.onResponseEnd?.(this, toRecord(trailers));
  }

  protected override failed(error: Error): void {
    this.handler.onResponseError?.(this, error);
  }

  protected override upgraded(status: number, fields: readonly string[], tunnel: Tunnel): void {
    this.fields = fields;
    this.handler.onRequestUpgrade?.(this, status, toRecord(fields), tunnel);
  }
}
