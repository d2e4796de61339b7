import type { Duplex } from 'node:stream';
import type { DispatchController, IncomingHeaders } from './contract.js';
import { toRecord } from './fields.js';
import { HandlerBridge } from './handler-bridge.js';
import { aborted } from './undici-error.js';

type RawFields = readonly (Buffer | string | readonly (Buffer | string)[])[];

/** A handler of the current kind with the methods of both. */
export class CurrentHandlerBridge extends HandlerBridge {
  private controller: Steering | null = null;

  onConnect(abort: (reason?: Error) => void, context: unknown = null): void {
    this.controller = new Steering(abort);
    this.behind.onRequestStart?.(this.controller, context);
  }

  onUpgrade(statusCode: number, headers: RawFields | null, socket: Duplex): unknown {
    const controller = this.started;
    controller.rawHeaders = flat(headers);
    return this.behind.onRequestUpgrade?.(controller, statusCode, shown(headers), socket);
  }

  onHeaders(statusCode: number, headers: RawFields, resume: () => void, statusText: string): boolean {
    const controller = this.started;
    controller.goOn = resume;
    controller.rawHeaders = flat(headers);
    this.behind.onResponseStart?.(controller, statusCode, shown(headers), statusText);
    return !controller.paused;
  }

  onData(chunk: Buffer): boolean {
    this.behind.onResponseData?.(this.started, chunk);
    return !this.started.paused;
  }

  onComplete(trailers: RawFields | null): void {
    this.started.rawTrailers = flat(trailers);
    this.behind.onResponseEnd?.(this.started, shown(trailers));
  }

  onError(error: Error): void {
    if (this.behind.onResponseError === undefined) throw error;
    this.behind.onResponseError(this.controller as never, error); // null where it was never sent, as in undici
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.behind.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    socket: Duplex,
  ): unknown {
    return this.behind.onRequestUpgrade?.(controller, statusCode, headers, socket);
  }

  onResponseStart(
    controller: DispatchController,
    statusCode: number,
    headers: IncomingHeaders,
    statusMessage?: string,
  ): void {
    this.behind.onResponseStart?.(controller, statusCode, headers, statusMessage);
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.behind.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: DispatchController, trailers: IncomingHeaders): void {
    this.behind.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: DispatchController, error: Error): void {
    if (this.behind.onResponseError === undefined) throw error;
    this.behind.onResponseError(controller, error);
  }

  private get started(): Steering {
    if (this.controller === null) throw new TypeError('onConnect was not called');
    return this.controller;
  }
}

/** The controller that stands for what the legacy kind is given: an `abort`, and a `resume` with each response. */
class Steering implements DispatchController {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: string[] | null = null;
  rawTrailers: string[] | null = null;
  goOn: (() => void) | undefined = undefined;
  private readonly end: (reason?: Error) => void;

  constructor(end: (reason?: Error) => void) {
    this.end = end;
  }

  abort(reason: Error = aborted()): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.end(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.goOn?.();
  }
}

/** Names and values in turn, as strings. */
function flat(fields: RawFields | null): string[] {
  const list: string[] = [];
  for (let i = 0; fields !== null && i + 1 < fields.length; i += 2) {
    const value = fields[i + 1]!;
    for (const one of Array.isArray(value) ? (value as readonly (Buffer | string)[]) : [value as Buffer | string])
      list.push(text(fields[i] as Buffer | string).toLowerCase(), text(one));
  }
  return list;
}

function shown(fields: RawFields | null): IncomingHeaders {
  return toRecord(flat(fields));
}

function text(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1');
}
