/** A request as a MockTransport got it. */
export class MockCall {
  readonly method: string;
  readonly url: string;
  /** By their names in lower case; several of one name are joined by ', '. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #chunks: Uint8Array[] = [];

  /** @internal */
  constructor(method: string, url: string, headers: Readonly<Record<string, string>>) {
    this.method = method;
    this.url = url;
    this.headers = headers;
  }

  /** @internal */
  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  /** What has come of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  text(): string {
    return this.body.toString();
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  /** The same as the Fetch Standard has it, for handlers that take one. */
  request(): Request {
    const { method, url, headers, body } = this;
    return new Request(url, { method, headers, body: method === 'GET' || method === 'HEAD' ? null : body });
  }
}
