import type { RequestTiming } from '../ports/index.js';
import { statusTextOf, wireFields, type ClientResponse, type RequestHooks } from '../request/index.js';
import { nextTick } from '../timers.js';
import { lazyStream, type LazyStream } from './lazy-stream.js';
import { fieldPairs } from '../field-list.js';

/** A Response, and what its request waited for where the option `timing` of a view asked for that. */
export type TimedResponse = Response & { readonly timing?: RequestTiming | undefined };

/** What fetch knows of a response beyond what came on the wire. */
export interface Fetched {
  readonly response: ClientResponse;
  /** Redirects were followed. */
  readonly redirected: boolean;
  /** They led to another origin (Fetch Standard, section 2.2.6: the `type` is then 'cors'). */
  readonly crossOrigin: boolean;
}

/** Node's Response, as far as it is built upon here; its own types say property where there is a getter or a method. */
declare class NodeResponse {
  constructor(body: LazyStream | null);
  get headers(): Headers;
  get body(): ReadableStream<Uint8Array> | null;
  get bodyUsed(): boolean;
  text(): Promise<string>;
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): Promise<Blob>;
  formData(): Promise<FormData>;
}

type FetchResponse = new (fetched: Fetched, body: LazyStream | null) => NodeResponse;

let made: FetchResponse | undefined;
let loads = false;

const whileAnswered: RequestHooks = {
  onAssigned() {
    loads = true;
    nextTick(() => typeof Response); // its headers are written by then
  },
  onSent: () => undefined,
};

/**
 * What the first of all requests is sent with: naming Response loads Node's whole fetch. That takes a new process some
 * 20 ms, which are spent while the server is about its answer rather than when that has come.
 */
export function loadMeanwhile(): RequestHooks | undefined {
  return loads || made !== undefined ? undefined : whileAnswered;
}

/**
 * A Response of Node's own class over a response of ours. Its body is null where the standard has none: for HEAD, and
 * for a null body status (section 2.2.3).
 */
export function toResponse(fetched: Fetched, method: string, signal: AbortSignal | undefined): Response {
  const { body, status } = fetched.response;
  if (method === 'HEAD' || isNullBodyStatus(status)) {
    body.cancel();
    return create(fetched, null);
  }
  return create(fetched, lazyStream(body, signal, undefined));
}

/** The same, with a body that was read already. */
export function withBytes(fetched: Fetched, bytes: Uint8Array<ArrayBuffer>, method: string): Response {
  if (method === 'HEAD' || isNullBodyStatus(fetched.response.status)) return create(fetched, null);
  return create(fetched, lazyStream(undefined, undefined, new Response(bytes).body ?? undefined));
}

function isNullBodyStatus(status: number): boolean {
  return status === 204 || status === 304 || status === 205 || status === 101 || status === 103;
}

const foreign = process.versions['bun'] !== undefined || process.versions['deno'] !== undefined;

/** The class is made with the first response: naming Response loads Node's whole fetch. */
function create(fetched: Fetched, body: LazyStream | null): Response {
  if (foreign) return plainResponse(fetched, body);
  made ??= withBodyOf(withHeadOf(Response));
  return new made(fetched, body) as unknown as Response;
}

/** Bun and Deno look inside a stream where Node calls its methods, so they get a real one. */
function plainResponse(fetched: Fetched, body: LazyStream | null): Response {
  const { response, redirected } = fetched;
  const { status } = response;
  const headers = new Headers();
  fill(headers, response);
  const plain = new Response(body?.stream ?? null, {
    status,
    statusText: statusTextOf(response),
    headers,
  });
  Object.defineProperties(plain, {
    url: { value: response.url },
    redirected: { value: redirected },
    timing: { get: () => response.timing },
  });
  return plain;
}

function fill(headers: Headers, response: ClientResponse): void {
  for (const [name, value] of fieldPairs(wireFields(response))) headers.append(name, value);
}

interface Mutators {
  append(): void;
  set(): void;
  delete(): void;
}

/** The headers of what came over the network cannot be changed (section 2.2.6, guard "immutable"). */
function immutableHeaders(): object {
  const refuse = (): never => {
    throw new TypeError('The headers of a response are immutable: copy them with new Headers(response.headers)');
  };
  return class extends (Headers as unknown as new () => Mutators) {
    override append(): void {
      refuse();
    }

    override set(): void {
      refuse();
    }

    override delete(): void {
      refuse();
    }
  }.prototype;
}

/** Its head, which is that of the transport's response. */
function withHeadOf(Base: typeof NodeResponse) {
  const immutable = immutableHeaders();
  return class extends Base {
    readonly #fetched: Fetched;
    #filled = false;

    constructor(fetched: Fetched, body: LazyStream | null) {
      super(body);
      this.#fetched = fetched;
    }

    get status(): number {
      // Node's constructor asks, to check it against the body.
      return #fetched in this ? this.#fetched.response.status : 200;
    }

    get statusText(): string {
      return statusTextOf(this.#fetched.response);
    }

    /** What the last request waited for, where the option `timing` of a view asked for that. */
    get timing(): RequestTiming | undefined {
      return this.#fetched.response.timing;
    }

    get ok(): boolean {
      const { status } = this.#fetched.response;
      return status >= 200 && status <= 299;
    }

    get url(): string {
      return this.#fetched.response.url;
    }

    get redirected(): boolean {
      return this.#fetched.redirected;
    }

    get type(): 'basic' | 'cors' {
      return this.#fetched.crossOrigin ? 'cors' : 'basic';
    }

    /** Node's own object for this response, so that what Node makes of the headers (a Blob's type) is right. */
    override get headers(): Headers {
      const headers = super.headers;
      if (!this.#filled) {
        this.#filled = true;
        fill(headers, this.#fetched.response);
        Object.setPrototypeOf(headers, immutable);
      }
      return headers;
    }
  };
}

/**
 * The ways of reading it. The first reading of a body that nobody has seen as a stream takes it from the transport;
 * whatever else is asked, Node answers, from the stream.
 */
function withBodyOf(Base: ReturnType<typeof withHeadOf>): FetchResponse {
  return class extends Base {
    readonly #fetched: Fetched;
    readonly #lazy: LazyStream | null;

    constructor(fetched: Fetched, body: LazyStream | null) {
      super(fetched, body);
      this.#fetched = fetched;
      this.#lazy = body;
    }

    override get body(): ReadableStream<Uint8Array> | null {
      const body: unknown = super.body;
      return body === this.#lazy && this.#lazy !== null ? this.#lazy.stream : (body as ReadableStream | null);
    }

    clone(): Response {
      if (this.bodyUsed || this.body?.locked === true)
        throw new TypeError('Response.clone: the body is locked, or was read');
      return create(this.#fetched, this.#lazy?.branch() ?? null);
    }

    override text(): Promise<string> {
      return this.#lazy?.read((body) => body.text()) ?? super.text();
    }

    override json(): Promise<unknown> {
      return this.#lazy?.read((body) => body.json()) ?? super.json();
    }

    override arrayBuffer(): Promise<ArrayBuffer> {
      return this.#lazy?.read((body) => body.arrayBuffer()) ?? super.arrayBuffer();
    }

    /** Also on Node 20, whose Response has none. */
    bytes(): Promise<Uint8Array> {
      return this.#lazy?.read((body) => body.bytes()) ?? super.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    }

    override blob(): Promise<Blob> {
      const { headers } = this;
      return this.#lazy?.read(async (body) => new Response(await body.bytes(), { headers }).blob()) ?? super.blob();
    }

    override formData(): Promise<FormData> {
      const { headers } = this;
      const whole = this.#lazy?.read((body) => body.bytes());
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- the standard has it
      return whole?.then((bytes) => new Response(bytes, { headers }).formData()) ?? super.formData();
    }
  };
}
