import './immediate.js';
import { createHttpClient } from '../../dist/connect/index.js';
import { fetchOver } from '../../dist/fetch/index.js';
import type { ClientResponse, RequestOptions } from '../../dist/request/index.js';
import type { BaseTransport } from '../../dist/transport.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import type { ReaderKind, RequestPlan } from './plan.js';

/** By what the application asks: `transport.request`, or over the transport `fetch`, undici's `request`, or Connect-ES's client. */
export const facadeKinds = ['request', 'fetch', 'undici', 'connect'] as const;
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
  private readonly connectClient: ReturnType<typeof createHttpClient>;

  constructor(transport: BaseTransport) {
    this.transport = transport;
    this.connectClient = createHttpClient(transport);
    this.dispatcher = new H2Dispatcher(transport as ConstructorParameters<typeof H2Dispatcher>[0]);
  }

  ask({ facade }: RequestPlan, asked: Asked): Promise<Answer> {
    if (facade === 'fetch') return this.fetch(asked);
    if (facade === 'connect') return this.connect(asked);
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

  private async connect({ url, options: { method = 'GET', body, headers, signal } }: Asked): Promise<Answer> {
    const { status, body: received } = await this.connectClient({
      url,
      method,
      header: new Headers(headers as Record<string, string>),
      ...(body === undefined ? {} : { body: body as AsyncIterable<Uint8Array> }),
      ...(signal === undefined ? {} : { signal }),
    });
    const pieces = received[Symbol.asyncIterator]();
    const cancel = async (): Promise<void> => {
      await pieces.return?.(undefined);
    };
    const iterable = { [Symbol.asyncIterator]: () => pieces };
    return {
      status,
      attempts: undefined,
      whole: async () => {
        const parts: Uint8Array[] = [];
        for await (const bytes of iterable) parts.push(Uint8Array.from(bytes));
        return Buffer.concat(parts);
      },
      dump: async () => {
        await cancel();
        return false;
      },
      pieces: () => iterable,
      cancel: () => void cancel(),
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
