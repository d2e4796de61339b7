import type { DispatchHandler } from './contract.js';

/** A handler with the methods of both kinds, before one that has those of one. What both kinds have is handed on as it is. */
export abstract class HandlerBridge implements DispatchHandler {
  readonly behind: DispatchHandler;

  constructor(behind: DispatchHandler) {
    this.behind = behind;
  }

  onBodySent(chunk: Uint8Array | number): void {
    this.behind.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.behind.onRequestSent?.();
  }

  onResponseStarted(): void {
    this.behind.onResponseStarted?.();
  }
}
