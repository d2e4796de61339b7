import type { Duplex } from 'node:stream';
import type { DispatchController, DispatchHandler, IncomingHeaders } from './contract.js';
import { CurrentHandlerBridge } from './current-handler-bridge.js';
import { HandlerBridge } from './handler-bridge.js';

export function isCurrentHandler(handler: DispatchHandler): boolean {
  return typeof handler.onRequestStart === 'function';
}

/**
 * A handler that interceptors of every version can call: undici 6 calls the legacy kind's methods, undici 8 the current
 * kind's, and either may meet a handler of the other kind.
 */
export function bothKinds(handler: DispatchHandler): DispatchHandler {
  if (!isCurrentHandler(handler)) return new LegacyHandlerBridge(handler);
  return typeof handler.onConnect === 'function' ? handler : new CurrentHandlerBridge(handler);
}

/** The handler behind a bridge that nobody has wrapped: what it needs no translating for. */
export function withoutBridge(handler: DispatchHandler): DispatchHandler {
  return handler instanceof HandlerBridge ? handler.behind : handler;
}

/** A handler of the legacy kind with the methods of both. */
class LegacyHandlerBridge extends HandlerBridge {
  onConnect(abort: (reason?: Error) => void, context?: unknown): void {
    this.behind.onConnect?.(abort, context);
  }

  onUpgrade(statusCode: number, headers: Buffer[] | string[] | null, socket: Duplex): unknown {
    return this.behind.onUpgrade?.(statusCode, headers, socket);
  }

  onHeaders(statusCode: number, headers: Buffer[], resume: () => void, statusText: string): boolean | undefined {
    return this.behind.onHeaders?.(statusCode, headers, resume, statusText);
  }

  onData(chunk: Buffer): boolean | undefined {
    return this.behind.onData?.(chunk);
  }

  onComplete(trailers: (Buffer | string)[] | null): void {
    this.behind.onComplete?.(trailers);
  }

  onError(error: Error): void {
    if (this.behind.onError === undefined) throw error;
    this.behind.onError(error);
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.behind.onConnect?.((reason) => {
      controller.abort(reason);
    }, context);
  }

  onRequestUpgrade(_: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): unknown {
    return this.behind.onUpgrade?.(statusCode, rawOf(headers), socket);
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
    if (this.behind.onHeaders?.(statusCode, rawOf(headers), resume, statusMessage) === false) controller.pause();
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.behind.onData?.(chunk) === false) controller.pause();
  }

  onResponseEnd(_: DispatchController, trailers: IncomingHeaders): void {
    this.behind.onComplete?.(rawOf(trailers));
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.onError(error);
  }
}

/** One pair a value: the legacy kind knows no arrays. */
function rawOf(headers: IncomingHeaders): Buffer[] {
  const raw: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ''])
      raw.push(Buffer.from(name, 'latin1'), Buffer.from(one, 'latin1'));
  }
  return raw;
}
