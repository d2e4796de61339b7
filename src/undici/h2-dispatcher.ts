import type { Duplex } from 'node:stream';
import type {
  Callback,
  ConnectData,
  ConnectOptions,
  PipelineHandler,
  PipelineOptions,
  RequestOptions,
  ResponseData,
  StreamData,
  StreamFactory,
  UpgradeData,
  UpgradeOptions,
} from './api-types.js';
import { RequestCall, promiseOrCallback, StreamCall, TunnelCall } from './calls.js';
import { CoreDispatcher } from './dispatcher.js';
import { pipeline } from './pipeline.js';

/**
 * Undici's Dispatcher over a Transport: pass it as `dispatcher` to undici's functions, to `fetch`, or to
 * `setGlobalDispatcher`, or call its own methods, which do what undici's do.
 */
export class H2Dispatcher extends CoreDispatcher {
  request<TOpaque = null>(options: RequestOptions<TOpaque>, callback: Callback<ResponseData<TOpaque>>): void;
  request<TOpaque = null>(options: RequestOptions<TOpaque>): Promise<ResponseData<TOpaque>>;
  request<TOpaque>(options: RequestOptions<TOpaque>, callback?: Callback<ResponseData<TOpaque>>): unknown {
    return promiseOrCallback<ResponseData<TOpaque>>(
      (resolve, reject) => {
        this.dispatch(options, new RequestCall(options, resolve, reject));
      },
      callback,
      options,
    );
  }

  stream<TOpaque = null>(
    options: RequestOptions<TOpaque>,
    factory: StreamFactory<TOpaque>,
    callback: Callback<StreamData<TOpaque>>,
  ): void;
  stream<TOpaque = null>(
    options: RequestOptions<TOpaque>,
    factory: StreamFactory<TOpaque>,
  ): Promise<StreamData<TOpaque>>;
  stream<TOpaque>(
    options: RequestOptions<TOpaque>,
    factory: StreamFactory<TOpaque>,
    callback?: Callback<StreamData<TOpaque>>,
  ): unknown {
    return promiseOrCallback<StreamData<TOpaque>>(
      (resolve, reject) => {
        this.dispatch(options, new StreamCall(options, factory, resolve, reject));
      },
      callback,
      options,
    );
  }

  pipeline<TOpaque = null>(options: PipelineOptions<TOpaque>, handler: PipelineHandler<TOpaque>): Duplex {
    return pipeline((given, to) => this.dispatch(given, to), options, handler);
  }

  connect<TOpaque = null>(options: ConnectOptions<TOpaque>, callback: Callback<ConnectData<TOpaque>>): void;
  connect<TOpaque = null>(options: ConnectOptions<TOpaque>): Promise<ConnectData<TOpaque>>;
  connect<TOpaque>(options: ConnectOptions<TOpaque>, callback?: Callback<ConnectData<TOpaque>>): unknown {
    return promiseOrCallback<ConnectData<TOpaque>>(
      (resolve, reject) => {
        this.dispatch({ ...options, method: 'CONNECT' }, new TunnelCall(options, 'connect', resolve, reject));
      },
      callback,
      options,
    );
  }

  upgrade(options: UpgradeOptions, callback: Callback<UpgradeData>): void;
  upgrade(options: UpgradeOptions): Promise<UpgradeData>;
  upgrade(options: UpgradeOptions, callback?: Callback<UpgradeData>): unknown {
    return promiseOrCallback<UpgradeData>(
      (resolve, reject) => {
        const handler = new TunnelCall(options, 'upgrade', resolve, reject);
        const { method = 'GET', protocol = 'Websocket' } = options;
        this.dispatch({ ...options, method, upgrade: protocol }, handler);
      },
      callback,
      options,
    );
  }
}
