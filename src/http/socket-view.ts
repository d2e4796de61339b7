import { EventEmitter } from 'node:events';
import type { ResponseConnection } from '../index.js';

/**
 * What stands for `socket`: a connection that carries many requests is none of theirs, so it tells where the response
 * came from, and destroys the request. It never emits connection events.
 */
export class SocketView extends EventEmitter {
  readonly connecting = false;
  readonly encrypted: boolean;
  readonly readable = true;
  readonly writable = true;
  destroyed = false;
  remoteAddress: string | undefined = undefined;
  remotePort: number | undefined = undefined;
  remoteFamily: 'IPv4' | 'IPv6' | undefined = undefined;
  readonly #destroyRequest: (error?: Error) => void;

  private constructor(encrypted: boolean, destroyRequest: (error?: Error) => void) {
    super();
    this.encrypted = encrypted;
    this.#destroyRequest = destroyRequest;
  }

  /** In a Proxy, as got's timer takes that to mean HTTP/2: it then leaves DNS, TCP and TLS times undefined. */
  static make(encrypted: boolean, destroyRequest: (error?: Error) => void): SocketView {
    const view = new SocketView(encrypted, destroyRequest);
    return new Proxy(view, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  }

  /** The response has come on this connection. */
  describe({ remoteAddress, remotePort }: ResponseConnection): void {
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    if (remoteAddress !== undefined) this.remoteFamily = remoteAddress.includes(':') ? 'IPv6' : 'IPv4';
  }

  destroy(error?: Error): this {
    this.destroyed = true;
    this.#destroyRequest(error);
    return this;
  }

  /** The local end is not known here. */
  address(): Record<string, never> {
    return {};
  }

  /** Time-outs belong to the request: `request.setTimeout`. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
