import type { Duplex } from 'node:stream';
import type { DispatchController, DispatchHandler, IncomingHeaders } from './contract.js';

export function isNewer(handler: DispatchHandler): boolean {
  return typeof handler.onRequestStart === 'function';
}

/** A handler that interceptors of every version can call, for the one of the older kind that undici 6 and 7 pass in. */
export function bothKinds(handler: DispatchHandler): DispatchHandler {
  return isNewer(handler) ? handler : new Bridge(handler);
}

/** The handler behind a bridge that nobody has wrapped: what it needs no translating for. */
export function withoutBridge(handler: DispatchHandler): DispatchHandler {
  return handler instanceof Bridge ? handler.older : handler;
}

/** A handler of the older kind with the methods of both. */
class Bridge implements DispatchHandler {
  readonly older: DispatchHandler;

  constructor(older: DispatchHandler) {
    this.older = older;
  }

  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.older.onConnect?.(abort, context);
  }

  onUpgrade(statusCode: number, headers: Buffer[] | string[] | null, socket: Duplex): unknown {
    return this.older.onUpgrade?.(statusCode, headers, socket);
  }

  onHeaders(statusCode: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined {
    return this.older.onHeaders?.(statusCode, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean | undefined {
    return this.older.onData?.(chunk);
  }

  onComplete(trailers: (Buffer | string)[] | null): void {
    this.older.onComplete?.(trailers);
  }

  onError(error: Error): void {
    if (this.older.onError === undefined) throw error;
    this.older.onError(error);
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.older.onConnect?.((reason) => {
      controller.abort(reason);
    }, context);
  }

  onRequestUpgrade(_: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): unknown {
    return this.older.onUpgrade?.(statusCode, rawOf(headers), socket);
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    statusMessage = '',
  ): void {
    const resume = (): void => {
      controller.resume();
    };
    if (this.older.onHeaders?.(statusCode, rawOf(headers), resume, statusMessage) === false) controller.pause();
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.older.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd(_: DispatchController, trailers: IncomingHeaders): void {
    this.older.onComplete?.(rawOf(trailers));
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.onError(error);
  }

  onBodySent(chunk: Uint8Array | number): void {
    this.older.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.older.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.older.onResponseStarted?.();
  }
}

/** One pair a value: the older kind knows no arrays. */
function rawOf(headers: IncomingHeaders): Buffer[] {
  const raw: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ''])
      raw.push(Buffer.from(name, 'latin1'), Buffer.from(one, 'latin1'));
  }
  return raw;
}
