import './immediate.js';
import { fetchOver } from '../../dist/fetch/index.js';
import type { ClientResponse, RequestOptions } from '../../dist/request/index.js';
import type { BaseTransport } from '../../dist/transport.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import type { ReaderKind, RequestPlan } from './plan.js';

/** By what the application asks: `transport.request`, `fetch` over the transport, or undici's `request` over it. */
export const facadeKinds = ['request', 'fetch', 'undici'] as const;
export type FacadeKind = (typeof facadeKinds)[number];

/** A response, whoever made it. */
export interface Answer {
  readonly status: number;
  readonly attempts: number | undefined;
  whole(): Promise<Uint8Array>;
  /** True: it was read to its end. */
  dump(): Promise<boolean>;
  pieces(reader: ReaderKind): AsyncIterable<Uint8Array>;
  cancel(): void;
}

/** What is asked for, in the words of `transport.request`. */
export interface Asked {
  readonly url: string;
  readonly options: RequestOptions;
}

export class Facades {
  private readonly transport: BaseTransport;
  private readonly dispatcher: H2Dispatcher;

  constructor(transport: BaseTransport) {
    this.transport = transport;
    this.dispatcher = new H2Dispatcher(transport as ConstructorParameters<typeof H2Dispatcher>[0]);
  }

  ask({ facade }: RequestPlan, asked: Asked): Promise<Answer> {
    if (facade === 'fetch') return this.fetch(asked);
    return facade === 'undici' ? this.undici(asked) : this.request(asked);
  }

  private async request({ url, options }: Asked): Promise<Answer> {
    return ofClientResponse(await this.transport.request(url, options));
  }

  private async fetch({ url, options: { method = 'GET', body, headers, signal } }: Asked): Promise<Answer> {
    const init = { method, body, headers, signal, ...(body instanceof ReadableStream ? { duplex: 'half' } : {}) };
    const response = await fetchOver(this.transport, url, init);
    const stream = response.body as AsyncIterable<Uint8Array> | null;
    return {
      status: response.status,
      attempts: undefined,
      whole: async () => new Uint8Array(await response.arrayBuffer()),
      dump: async () => {
        await response.body?.cancel();
        return false;
      },
      pieces: () => stream ?? none(),
      cancel: () => void response.body?.cancel().catch(() => undefined), // it may have failed long ago
    };
  }

  private async undici({ url, options }: Asked): Promise<Answer> {
    const { origin, pathname } = new URL(url);
    const { method = 'GET', body, headers, signal, idempotent, headersTimeout, bodyTimeout, expectContinue } = options;
    const { statusCode, body: readable } = await this.dispatcher.request({
      origin,
      path: pathname,
      method,
      body,
      headers: headers as Record<string, string>,
      ...(signal === undefined ? {} : { signal }),
      idempotent: idempotent === true,
      headersTimeout: headersTimeout ?? 0,
      bodyTimeout: bodyTimeout ?? 0,
      expectContinue: expectContinue === true,
    });
    readable.on('error', () => undefined); // who leaves it unread hears of no error
    return {
      status: statusCode,
      attempts: undefined,
      whole: async () => new Uint8Array(await readable.arrayBuffer()),
      dump: async () => {
        await readable.dump();
        return false; // no further than its limit
      },
      pieces: () => readable as AsyncIterable<Uint8Array>,
      cancel: () => readable.destroy(),
    };
  }
}

function ofClientResponse({ status, attempts, body }: ClientResponse): Answer {
  return {
    status,
    attempts,
    whole: () => body.bytes(),
    dump: async () => {
      await body.dump();
      return true;
    },
    pieces: (reader) => (reader === 'borrow' ? body.borrow() : reader === 'stream' ? body.stream() : body),
    cancel: () => body.cancel(),
  };
}

async function* none(): AsyncGenerator<Uint8Array> {
  // fetch gives no body where there can be none
}
