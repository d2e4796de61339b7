import type { ResponseBody } from '../body/index.js';
import type { RequestTiming, ResponseConnection } from '../ports/index.js';
import { toHeaders } from './to-headers.js';
import type { TrailersHolder } from './trailers-holder.js';
import { fieldPairs } from '../field-list.js';

/** What a {@link ClientResponse} is made of. */
export interface ClientResponseInit {
  readonly status: number;
  /**
   * Names, in lower case, and values in turn, without pseudo-header fields; without content-encoding and
   * content-length where the body is decoded for the caller (`planDecoding`).
   */
  readonly fields: readonly string[];
  /** The same as they came, where the body is decoded. */
  readonly wireFields?: readonly string[] | undefined;
  readonly statusText?: string | undefined;
  readonly url: string;
  readonly httpVersion: '2.0' | '1.1';
  readonly body: ResponseBody;
  readonly trailers: TrailersHolder;
  /** How many times the request was sent, this one included. */
  readonly attempts: number;
  readonly connection: ResponseConnection;
  readonly readTiming?: (() => RequestTiming) | undefined;
}

/** For the facades: the header fields as {@link ClientResponseInit} has them. */
export let receivedFields: (response: ClientResponse) => readonly string[];

/** For fetch, whose responses keep the fields that {@link receivedFields} leaves out for a body that is decoded. */
export let wireFields: (response: ClientResponse) => readonly string[];

/** For the facades: HTTP/1.1's reason phrase; '' where there is none, as in HTTP/2. */
export let statusTextOf: (response: ClientResponse) => string;

/** For the facades: the trailer fields, names and values in turn; undefined until the body has ended. */
export let receivedTrailers: (response: ClientResponse) => readonly string[] | undefined;

/** The response to one request: its headers have arrived, its body may still be on the way. */
export class ClientResponse {
  static {
    receivedFields = (response) => {
      response.#init.trailers.fetched();
      return response.#init.fields;
    };
    wireFields = (response) => {
      const { trailers, wireFields, fields } = response.#init;
      trailers.fetched();
      return wireFields ?? fields;
    };
    statusTextOf = (response) => response.#init.statusText ?? '';
    receivedTrailers = (response) => response.#init.trailers.fields;
  }

  readonly status: number;
  /** The URL that was requested. */
  readonly url: string;
  readonly httpVersion: '2.0' | '1.1';
  readonly body: ResponseBody;
  /** How many times the request was sent, this one included. */
  readonly attempts: number;
  readonly connection: ResponseConnection;
  readonly #init: ClientResponseInit;
  #headers: Headers | undefined;
  #pairs: [name: string, value: string][] | undefined;

  constructor(init: ClientResponseInit) {
    this.status = init.status;
    this.url = init.url;
    this.httpVersion = init.httpVersion;
    this.body = init.body;
    this.attempts = init.attempts;
    this.connection = init.connection;
    this.#init = init;
  }

  /**
   * What the request waited for, until now or until all of the response was read; undefined unless its option `timing`
   * asked for it.
   */
  get timing(): RequestTiming | undefined {
    return this.#init.readTiming?.();
  }

  /** The status is one of success: 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  /** As `body.text()`, and so on: all of the body, read once, in one way. */
  text(): Promise<string> {
    return this.body.text();
  }

  json(): Promise<unknown> {
    return this.body.json();
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.body.bytes();
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.body.arrayBuffer();
  }

  blob(): Promise<Blob> {
    return this.body.blob();
  }

  /**
   * The header fields, each set-cookie by itself (`getSetCookie()`). Made when first touched. Where the body is decoded
   * for the caller, content-encoding and content-length are absent: they describe what came on the wire.
   */
  get headers(): Headers {
    this.#headers ??= toHeaders(receivedFields(this));
    return this.#headers;
  }

  /** The same fields in wire order, names in lower case. Made when first touched. */
  get headerPairs(): [name: string, value: string][] {
    this.#pairs ??= fieldPairs(receivedFields(this));
    return this.#pairs;
  }

  /**
   * The trailer fields: resolves once all of the body has arrived, without any where none were sent, and rejects where
   * the body is cut or cancelled. Needs no handler.
   */
  get trailers(): Promise<Headers> {
    return this.#init.trailers.promise;
  }

  /** Cancels what is unread of the body. */
  [Symbol.asyncDispose](): Promise<void> {
    this.body.cancel();
    return Promise.resolve();
  }
}
