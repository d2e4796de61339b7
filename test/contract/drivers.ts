/** The facades. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import type undici from 'undici';
import { createHttpClient } from '../../dist/connect/index.js';
import { createRequest } from '../../dist/http/index.js';
import { Transport, type TransportOptions } from '../../dist/index.js';
import { H2Dispatcher } from '../../dist/undici/index.js';
import type { Answer, Call, Client, Driver } from './driver.js';

function transport(t: TestContext, options: TransportOptions): Transport {
  const made = new Transport(options);
  t.after(() => {
    made.destroy();
  });
  return made;
}

const request: Driver = {
  name: 'request',
  lacks: {},
  skip: false,
  async open(t, options) {
    const made = transport(t, options);
    return {
      close: () => made.close(),
      async send(url, call) {
        const response = await made.request(url, call);
        return {
          status: response.status,
          header: (name) => response.headers.get(name) ?? undefined,
          cookies: () => response.headers.getSetCookie(),
          body: response.body,
          trailer: async (name) => (await response.trailers).get(name) ?? undefined,
        };
      },
    };
  },
};

const noTrailers = 'the Fetch Standard has none';

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

function fetching(fetch: Fetch, close: () => Promise<void>): Client {
  return {
    close,
    async send(url, call: Call = {}) {
      const { method = 'GET', headers = {}, body, signal } = call;
      const init = { method, headers, body, signal, duplex: 'half', redirect: 'manual' };
      const response = await fetch(url, init as unknown as RequestInit);
      return {
        status: response.status,
        header: (name) => response.headers.get(name) ?? undefined,
        cookies: () => response.headers.getSetCookie(),
        body: (response.body ?? []) as unknown as AsyncIterable<Uint8Array>,
        trailer: () => Promise.reject(new Error(noTrailers)),
      };
    },
  };
}

const inFetch: Driver['lacks'] = {
  informational: 'the Fetch Standard has no way to tell',
  'request trailers': noTrailers,
  'response trailers': noTrailers,
};

const fetch: Driver = {
  name: 'fetch',
  lacks: inFetch,
  skip: false,
  async open(t, options) {
    const made = transport(t, options);
    return fetching(made.fetch, () => made.close());
  },
};

/** Undici 7 runs on every Node that is tested here. */
async function undici7(): Promise<typeof undici> {
  return (await import('undici-7')).default as unknown as typeof undici;
}

function dispatcher(t: TestContext, options: TransportOptions): H2Dispatcher {
  const made = new H2Dispatcher(options);
  t.after(() => made.destroy());
  return made;
}

const undiciRequest: Driver = {
  name: 'undici request',
  lacks: {
    decoding: "undici's request leaves codings to its interceptor",
    'request trailers': 'undici has none',
    'shared signal': "undici's request listens once for each, and Node warns of that",
  },
  skip: false,
  async open(t, options) {
    const made = dispatcher(t, options);
    const { request: send } = await undici7();
    return {
      close: () => made.close(),
      async send(url, { method = 'GET', headers, body, signal, onInformational } = {}) {
        const response = await send(url, {
          dispatcher: made,
          method: method as 'GET',
          headers: headers ?? null,
          body: (body ?? null) as never,
          signal: signal ?? null,
          onInfo: ({ statusCode }) => onInformational?.(statusCode),
        });
        const values = (name: string): readonly string[] => [response.headers[name] ?? []].flat();
        return {
          status: response.statusCode,
          header: (name) => (name in response.headers ? values(name).join(', ') : undefined),
          cookies: () => values('set-cookie'),
          body: response.body,
          trailer: async (name) => response.trailers[name],
        };
      },
    };
  },
};

const undiciFetch: Driver = {
  name: 'undici fetch',
  lacks: {
    ...inFetch,
    'closed source': "undici's fetch reads on from the source of an upload that was aborted, whatever carried it",
  },
  skip: false,
  async open(t, options) {
    const made = dispatcher(t, options);
    const { fetch: send } = await undici7();
    return fetching(
      (url, init) => send(url, { ...init, dispatcher: made } as never),
      () => made.close(),
    );
  },
};

const http: Driver = {
  name: 'http',
  lacks: {
    decoding: 'node:http leaves codings to its caller',
    'own reason': "node:http aborts with an error of its own, whose cause is the signal's reason",
  },
  skip: false,
  async open(t, options) {
    const made = transport(t, options);
    const { request: begin } = createRequest(made);
    return { close: () => made.close(), send: (url, call) => overHttp(begin, url, call) };
  },
};

async function overHttp(
  begin: ReturnType<typeof createRequest>['request'],
  url: string,
  { method = 'GET', headers = {}, body, signal, trailers, onInformational }: Call = {},
): Promise<Answer> {
  const outgoing = begin(url, { method, headers, ...(signal === undefined ? undefined : { signal }) });
  outgoing.on('information', ({ statusCode }) => onInformational?.(statusCode));
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => undefined); // it is awaited below, after the body
  outgoing.on('error', () => undefined); // as is what comes after the response
  if (trailers !== undefined) outgoing.addTrailers(trailers);
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
  else pour(body, outgoing);
  const [response] = await answered;
  return {
    status: response.statusCode ?? 0,
    header: (name) => [response.headers[name] ?? []].flat().join(', ') || undefined,
    cookies: () => response.headers['set-cookie'] ?? [],
    body: response,
    trailer: async (name) => response.trailers[name],
  };
}

/** By hand, for pipeline() calls abort() on a request whose source broke, and the error is lost, as with node:http. */
function pour(body: AsyncIterable<Uint8Array>, outgoing: Writable): void {
  const source = Readable.from(body);
  source.on('error', (error) => outgoing.destroy(error));
  outgoing.once('close', () => source.destroy());
  source.pipe(outgoing);
}

const connect: Driver = {
  name: 'connect',
  lacks: {
    'body length': 'Connect-ES gives every body as a stream',
    decoding: 'a protocol of Connect-ES undoes the codings of its messages itself',
    informational: 'Connect-ES has no way to tell',
    'own reason': "Connect-ES fails with a ConnectError, whose cause is the signal's reason",
    'request trailers': 'Connect-ES sends none',
  },
  skip: false,
  async open(t, options) {
    const made = transport(t, options);
    const call = createHttpClient(made);
    return {
      close: () => made.close(),
      async send(url, { method = 'GET', headers, body, signal } = {}) {
        const stream = body === undefined ? undefined : typeof body === 'string' ? [Buffer.from(body)] : body;
        const response = await call({
          httpVersion: '2',
          url,
          method,
          header: new Headers(headers),
          ...(stream === undefined
            ? undefined
            : { body: Readable.from(stream instanceof Uint8Array ? [stream] : stream) }),
          ...(signal === undefined ? undefined : { signal }),
        } as Parameters<typeof call>[0]);
        return {
          status: response.status,
          header: (name) => response.header.get(name) ?? undefined,
          cookies: () => response.header.getSetCookie(),
          body: response.body,
          trailer: async (name) => response.trailer.get(name) ?? undefined,
        };
      },
    };
  },
};

export const drivers: readonly Driver[] = [request, fetch, undiciRequest, undiciFetch, http, connect];
