// A request handler for what is built on Smithy, such as the AWS SDK for JavaScript v3.
import { TransportError } from 'passinglane';

export class PassinglaneHandler {
  #transport;

  constructor(transport) {
    this.#transport = transport;
  }

  async handle(request, { abortSignal, requestTimeout } = {}) {
    const { protocol, hostname, port, path, method, body } = request;
    const headers = { ...request.headers };
    delete headers['transfer-encoding']; // connection-specific: HTTP/2 has no place for it
    try {
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search(request.query)}`;
      // What is stored compressed is given as it is stored.
      const options = { method, headers, body, signal: abortSignal, headersTimeout: requestTimeout, decompress: false };
      const response = await this.#transport.request(url, options);
      const { status: statusCode, body: received } = response;
      return { response: { statusCode, headers: Object.fromEntries(response.headers), body: received.readable() } };
    } catch (error) {
      // Of these the SDK knows system errors by their codes, and no others.
      if (TransportError.isInstance(error) && error.initiator === 'remote') error.$retryable = {};
      throw error;
    }
  }

  /** The SDK asks for these; options are the transport's. */
  updateHttpClientConfig() {}

  httpHandlerConfigs() {
    return {};
  }
}

function search(query = {}) {
  const escaped = (text) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => (one === null ? escaped(name) : `${escaped(name)}=${escaped(one)}`)),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
