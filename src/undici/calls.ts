import type { EventEmitter } from 'node:events';
import { finished, type Duplex, type Writable } from 'node:stream';
import type {
  CallOptions,
  ConnectData,
  RequestOptions,
  ResponseData,
  ResponseHead,
  StreamData,
  StreamFactory,
} from './api-types.js';
import { BodyReadable } from './body-readable.js';
import type { DispatchController, DispatchHandler, IncomingHeaders } from './contract.js';
import { aborted, UndiciError } from './undici-error.js';

const defaultHighWaterMark = 65_536;

/** What the handlers behind a dispatcher's methods have in common: the call's signal, and how it shows headers. */
abstract class Call<TOpaque, TResult> {
  protected readonly options: CallOptions<TOpaque>;
  protected controller: DispatchController | undefined = undefined;
  protected readonly resolve: (result: TResult) => void;
  protected readonly reject: (error: unknown) => void;

  constructor(options: CallOptions<TOpaque>, resolve: (result: TResult) => void, reject: (error: unknown) => void) {
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
  }

  onRequestStart(controller: DispatchController): void {
    this.controller = controller;
    const { signal } = this;
    if (signal === undefined) return;
    if ('addEventListener' in signal) {
      if (signal.aborted) this.onAbort();
      else signal.addEventListener('abort', this.onAbort, { once: true });
    } else signal.once('abort', this.onAbort);
  }

  private get signal(): AbortSignal | EventEmitter | undefined {
    return (this.options.signal as AbortSignal | EventEmitter | null | undefined) ?? undefined;
  }

  private readonly onAbort = (): void => {
    const { signal } = this;
    const reason: unknown = signal !== undefined && 'reason' in signal ? signal.reason : undefined;
    this.controller?.abort(reason instanceof Error ? reason : aborted());
  };

  /** Nobody is to abort it any more. */
  protected leave(): void {
    const { signal } = this;
    if (signal === undefined) return;
    if ('removeEventListener' in signal) signal.removeEventListener('abort', this.onAbort);
    else signal.off('abort', this.onAbort);
  }

  protected shown(headers: IncomingHeaders): IncomingHeaders {
    if (this.options.responseHeaders !== 'raw') return headers;
    const raw = this.controller?.rawHeaders ?? [];
    return raw.map((one) => (typeof one === 'string' ? one : one.toString('latin1'))) as unknown as IncomingHeaders;
  }

  protected head(statusCode: number, headers: IncomingHeaders): ResponseHead<TOpaque> {
    const opaque = (this.options.opaque ?? null) as TOpaque;
    return { statusCode, headers: this.shown(headers), opaque, context: {} };
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.leave();
    this.reject(error);
  }
}

/** `request`: resolves with the response's head, its body a stream. */
export class RequestCall<TOpaque> extends Call<TOpaque, ResponseData<TOpaque>> implements DispatchHandler {
  declare protected readonly options: RequestOptions<TOpaque>;
  private body: BodyReadable | undefined = undefined;
  private readonly trailers: Record<string, string> = {};

  onResponseStart(controller: DispatchController, statusCode: number, headers: IncomingHeaders): void {
    if (statusCode < 200) {
      const shown = this.shown(headers) as Record<string, string | string[]>;
      this.options.onInfo?.({ statusCode, headers: shown });
      return;
    }
    const body = new BodyReadable({
      resume: () => {
        controller.resume();
      },
      abort: (reason) => {
        controller.abort(reason);
      },
      contentType: String(headers['content-type'] ?? ''),
      highWaterMark: this.options.highWaterMark ?? defaultHighWaterMark,
    });
    this.body = body;
    this.resolve({ ...this.head(statusCode, headers), statusText: '', body, trailers: this.trailers });
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(_: DispatchController, trailers: IncomingHeaders): void {
    this.leave();
    Object.assign(this.trailers, trailers);
    this.body?.push(null);
  }

  override onResponseError(controller: DispatchController, error: Error): void {
    super.onResponseError(controller, error);
    this.body?.destroy(error);
  }
}

/** `stream`: the body goes into what the factory makes for it; resolves when that has finished. */
export class StreamCall<TOpaque> extends Call<TOpaque, StreamData<TOpaque>> implements DispatchHandler {
  private readonly factory: StreamFactory<TOpaque>;
  private target: Writable | undefined = undefined;
  private trailers: IncomingHeaders = {};

  constructor(
    options: RequestOptions<TOpaque>,
    factory: StreamFactory<TOpaque>,
    resolve: (data: StreamData<TOpaque>) => void,
    reject: (error: unknown) => void,
  ) {
    super(options, resolve, reject);
    this.factory = factory;
  }

  onResponseStart(controller: DispatchController, statusCode: number, headers: IncomingHeaders): void {
    if (statusCode < 200) return;
    const target = this.factory(this.head(statusCode, headers)) as Writable | undefined;
    if (typeof target?.write !== 'function' || typeof target.on !== 'function')
      throw new UndiciError('UND_ERR_INVALID_RETURN_VALUE', 'expected Writable');
    this.target = target;
    target.on('drain', () => {
      controller.resume();
    });
    finished(target, { readable: false }, (error) => {
      this.target = undefined;
      if (error !== null && error !== undefined) return controller.abort(error);
      this.leave();
      const { opaque } = this.options;
      this.resolve({ opaque: (opaque ?? null) as TOpaque, trailers: this.trailers as Record<string, string> });
    });
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.target?.write(chunk) === false) controller.pause();
  }

  onResponseEnd(_: DispatchController, trailers: IncomingHeaders): void {
    this.trailers = trailers;
    this.target?.end();
  }

  override onResponseError(controller: DispatchController, error: Error): void {
    super.onResponseError(controller, error);
    this.target?.destroy(error);
  }
}

/** `connect` and `upgrade`: resolves with the stream. */
export class TunnelCall<TOpaque> extends Call<TOpaque, ConnectData<TOpaque>> implements DispatchHandler {
  onRequestUpgrade(_: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): void {
    this.leave();
    const { opaque } = this.head(statusCode, headers);
    this.resolve({ statusCode, headers: this.shown(headers), socket, opaque });
  }

  /** The server has not accepted. */
  onResponseStart(controller: DispatchController, statusCode: number): void {
    if (statusCode < 200) return;
    controller.abort(new UndiciError('UND_ERR_SOCKET', `bad upgrade: the server answered ${statusCode}`));
  }
}

/** Undici's two ways to call: with a callback, or for a promise. */
export function settle<T>(
  promise: Promise<T>,
  callback: ((error: Error | null, data: T) => void) | undefined,
): unknown {
  if (callback === undefined) return promise;
  promise.then(
    (data) => {
      queueMicrotask(() => {
        callback(null, data);
      });
    },
    (error: unknown) => {
      queueMicrotask(() => {
        callback(error as Error, undefined as T);
      });
    },
  );
  return undefined;
}
