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
import { discardBody } from './to-body.js';
import { aborted, invalidArgument, UndiciError } from './undici-error.js';
import { queueMicrotask } from '../timers.js';

const defaultHighWaterMark = 65_536;

function lengthOf({ 'content-length': length }: IncomingHeaders): number | undefined {
  return length === undefined ? undefined : Number(length);
}

/** What undici refuses before it dispatches, of every call. */
function checkCall(options: CallOptions<unknown>): void {
  if (typeof options !== 'object' || (options as unknown) === null) throw invalidArgument('invalid opts');
  const { signal } = options;
  if (signal === undefined || signal === null) return;
  const { on, addEventListener } = signal as Partial<EventEmitter & EventTarget>;
  if (typeof on !== 'function' && typeof addEventListener !== 'function')
    throw invalidArgument('signal must be an EventEmitter or EventTarget');
}

/** The same, of the calls that make a response. */
function checkRequest(options: RequestOptions<unknown>): void {
  checkCall(options);
  const { method, onInfo, highWaterMark } = options;
  if (method === 'CONNECT') throw invalidArgument('invalid method');
  if (onInfo !== undefined && onInfo !== null && typeof onInfo !== 'function')
    throw invalidArgument('invalid onInfo callback');
  if (highWaterMark !== undefined && !(Number.isFinite(highWaterMark) && highWaterMark >= 0))
    throw invalidArgument('invalid highWaterMark');
}

/** What the handlers behind a dispatcher's methods have in common: the call's signal, and how it shows headers. */
abstract class Call<TOpaque, TResult> {
  protected readonly options: CallOptions<TOpaque>;
  private controller: DispatchController | undefined = undefined;
  private reason: Error | undefined = undefined;
  private context: object = {};
  protected readonly resolve: (result: TResult) => void;
  protected readonly reject: (error: unknown) => void;

  constructor(options: CallOptions<TOpaque>, resolve: (result: TResult) => void, reject: (error: unknown) => void) {
    checkCall(options);
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
    const { signal } = this;
    if (signal === undefined) return;
    // From here on, since a request that waits to learn what its origin speaks has not started.
    if (!('addEventListener' in signal)) signal.once('abort', this.onAbort);
    else if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** @param context what interceptors tell of the request, such as the redirects behind it */
  onRequestStart(controller: DispatchController, context: unknown): void {
    this.controller = controller;
    if (typeof context === 'object' && context !== null) this.context = context;
    if (this.reason !== undefined) controller.abort(this.reason);
  }

  private get signal(): AbortSignal | EventEmitter | undefined {
    return (this.options.signal as AbortSignal | EventEmitter | null | undefined) ?? undefined;
  }

  private readonly onAbort = (): void => {
    const { signal } = this;
    const given: unknown = signal !== undefined && 'reason' in signal ? signal.reason : undefined;
    const reason = given instanceof Error ? given : aborted();
    this.reason = reason;
    this.controller?.abort(reason);
    this.fail(reason); // an interceptor may have put an abort of its own there: dump's only takes a note
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
    return { statusCode, headers: this.shown(headers), opaque, context: this.context };
  }

  /** A 1xx response. */
  protected inform(statusCode: number, headers: IncomingHeaders, onInfo: RequestOptions['onInfo']): void {
    onInfo?.({ statusCode, headers: this.shown(headers) as Record<string, string | string[]> });
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.fail(error);
  }

  protected fail(error: Error): void {
    this.leave();
    this.reject(error);
  }
}

/** `request`: resolves with the response's head, its body a stream. */
export class RequestCall<TOpaque> extends Call<TOpaque, ResponseData<TOpaque>> implements DispatchHandler {
  declare protected readonly options: RequestOptions<TOpaque>;
  private body: BodyReadable | undefined = undefined;
  private readonly trailers: Record<string, string> = {};

  constructor(
    options: RequestOptions<TOpaque>,
    resolve: (data: ResponseData<TOpaque>) => void,
    reject: (error: unknown) => void,
  ) {
    checkRequest(options);
    super(options, resolve, reject);
  }

  onResponseStart(controller: DispatchController, statusCode: number, headers: IncomingHeaders, statusText = ''): void {
    if (statusCode < 200) return this.inform(statusCode, headers, this.options.onInfo);
    const body = new BodyReadable({
      resume: () => {
        controller.resume();
      },
      abort: (reason) => {
        controller.abort(reason);
      },
      contentType: String(headers['content-type'] ?? ''),
      contentLength: lengthOf(headers),
      highWaterMark: this.options.highWaterMark ?? defaultHighWaterMark,
    });
    this.body = body;
    this.resolve({ ...this.head(statusCode, headers), statusText, body, trailers: this.trailers });
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    if (this.body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(_: DispatchController, trailers: IncomingHeaders): void {
    this.leave();
    // As what they are: one may be called __proto__.
    Object.defineProperties(this.trailers, Object.getOwnPropertyDescriptors(trailers));
    this.body?.push(null);
  }

  protected override fail(error: Error): void {
    super.fail(error);
    // Whoever has not begun to read it is not to end by it, as with undici's.
    this.body?.on('error', () => undefined).destroy(error);
  }
}

/** `stream`: the body goes into what the factory makes for it; resolves when that has finished. */
export class StreamCall<TOpaque> extends Call<TOpaque, StreamData<TOpaque>> implements DispatchHandler {
  declare protected readonly options: RequestOptions<TOpaque>;
  private readonly factory: StreamFactory<TOpaque>;
  private target: Writable | undefined = undefined;
  private trailers: IncomingHeaders = {};

  constructor(
    options: RequestOptions<TOpaque>,
    factory: StreamFactory<TOpaque>,
    resolve: (data: StreamData<TOpaque>) => void,
    reject: (error: unknown) => void,
  ) {
    checkRequest(options);
    if (typeof factory !== 'function') throw invalidArgument('invalid factory');
    super(options, resolve, reject);
    this.factory = factory;
  }

  onResponseStart(controller: DispatchController, statusCode: number, headers: IncomingHeaders): void {
    if (statusCode < 200) return this.inform(statusCode, headers, this.options.onInfo);
    const target = this.factory(this.head(statusCode, headers)) as Writable | undefined;
    if (typeof target?.write !== 'function' || typeof target.end !== 'function' || typeof target.on !== 'function')
      throw new UndiciError('UND_ERR_INVALID_RETURN_VALUE', 'expected Writable');
    this.target = target;
    if (target.writableNeedDrain) controller.pause();
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

  protected override fail(error: Error): void {
    super.fail(error);
    this.target?.destroy(error);
  }
}

/** `connect` and `upgrade`: resolves with the stream. */
export class TunnelCall<TOpaque> extends Call<TOpaque, ConnectData<TOpaque>> implements DispatchHandler {
  private readonly kind: 'connect' | 'upgrade';

  constructor(
    options: CallOptions<TOpaque>,
    kind: 'connect' | 'upgrade',
    resolve: (data: ConnectData<TOpaque>) => void,
    reject: (error: unknown) => void,
  ) {
    super(options, resolve, reject);
    this.kind = kind;
  }

  onRequestUpgrade(_: DispatchController, statusCode: number, headers: IncomingHeaders, socket: Duplex): void {
    this.leave();
    const { headers: shown, opaque, context } = this.head(statusCode, headers);
    this.resolve({ statusCode, headers: shown, socket, opaque, context });
  }

  /** The server has not accepted. */
  onResponseStart(_: DispatchController, statusCode: number): void {
    if (statusCode < 200) return;
    throw new UndiciError('UND_ERR_SOCKET', `bad ${this.kind}: the server answered ${statusCode}`);
  }
}

/** Undici's two ways to call: with a callback, which learns of `opaque` with an error as well, or for a promise. */
export function promiseOrCallback<T>(
  call: (resolve: (data: T) => void, reject: (error: unknown) => void) => void,
  callback: ((error: Error | null, data: T) => void) | undefined,
  options: CallOptions<unknown> & { readonly body?: unknown },
): unknown {
  if (callback !== undefined && typeof callback !== 'function') throw refused(options);
  const promise = new Promise<T>((resolve, reject) => {
    try {
      call(resolve, reject);
    } catch (error) {
      discardBody((options as { readonly body?: unknown } | null)?.body, error as Error);
      throw error;
    }
  });
  if (callback === undefined) return promise;
  promise.then(
    (data) => {
      queueMicrotask(() => {
        callback(null, data);
      });
    },
    (error: unknown) => {
      queueMicrotask(() => {
        callback(error as Error, { opaque: (options as CallOptions | null)?.opaque ?? null } as T);
      });
    },
  );
  return undefined;
}

/** Of a call whose callback is none. */
function refused(options: { readonly body?: unknown } | null): Error {
  if (typeof options !== 'object' || options === null) return invalidArgument('invalid opts');
  const error = invalidArgument('invalid callback');
  discardBody(options.body, error);
  return error;
}
