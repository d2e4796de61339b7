import type { DispatchController } from './contract.js';
import { Dispatched } from './dispatched.js';
import { toRaw, toRecord } from './fields.js';
import type { UpgradedSocket } from './upgraded-socket.js';

/** A request whose handler is of undici 6's kind: `onConnect`, `onHeaders`, `onData`, `onComplete`, `onError`. */
export class LegacyDispatched extends Dispatched {
  protected override started(): void {
    this.handler.onConnect?.((reason) => {
      this.abort(reason);
    }, null);
  }

  protected override headers(status: number, fields: readonly string[], statusText: string): void {
    const resume = (): void => {
      this.resume();
    };
    if (this.handler.onHeaders?.(status, toRaw(fields), resume, statusText) === false) this.pause();
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

  protected override upgraded(status: number, fields: readonly string[], tunnel: UpgradedSocket): void {
    this.handler.onUpgrade?.(status, toRaw(fields), tunnel);
  }
}

/** A request whose handler is of undici 8's kind, `onRequestStart` and so on; it is its own controller. */
export class CurrentDispatched extends Dispatched implements DispatchController {
  /** As strings, which all of undici takes: bytes would be made for each response, and undici's `request` drops them. */
  rawHeaders: string[] | Buffer[] | null = null;
  rawTrailers: string[] | Buffer[] | null = null;

  protected override started(): void {
    this.handler.onRequestStart?.(this, null);
  }

  protected override headers(status: number, fields: readonly string[], statusText: string): void {
    this.rawHeaders = fields as string[];
    this.handler.onResponseStart?.(this, status, toRecord(fields), statusText);
  }

  protected override data(chunk: Buffer): void {
    this.handler.onResponseData?.(this, chunk);
  }

  protected override ended(trailers: readonly string[]): void {
    this.rawTrailers = trailers as string[];
    this.handler.onResponseEnd?.(this, toRecord(trailers));
  }

  protected override failed(error: Error): void {
    this.handler.onResponseError?.(this, error);
  }

  protected override upgraded(status: number, fields: readonly string[], tunnel: UpgradedSocket): void {
    this.rawHeaders = fields as string[];
    this.handler.onRequestUpgrade?.(this, status, toRecord(fields), tunnel);
  }
}
