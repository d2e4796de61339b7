/**
 * What the test origins answer, over node:http2 and, behind a proxy, over node:http. The Go server of the interop
 * tests answers the same paths.
 *
 * - `/hello.txt`: `hello\n`
 * - `/echo`: the request's body, as it comes
 * - `/count`: how many bytes the request's body has, as text
 * - `/bytes/N`: N bytes of {@link pattern}
 * - `/headers`: the request's header fields as JSON
 * - `/large-headers/N`: N fields `x-large-0`... of 1,000 bytes each
 * - `/trailers`: the request's body, then its trailers as response trailers
 * - `/status/N`: that status, without a body
 * - `/delay/MS`: `hello\n` after so many milliseconds
 * - `/reset/N`: one byte of a body, then RST_STREAM with that error code (HTTP/2 only)
 * - `/endless`: headers and `begin`, and then nothing, ever
 * - `/silent`: nothing, ever
 * - anything else: 404
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

type AnyRequest = Http2ServerRequest | IncomingMessage;
type AnyResponse = Http2ServerResponse | ServerResponse;
type Endpoint = (request: AnyRequest, response: AnyResponse, argument: number) => void;

/** The first `length` bytes of a sequence whose period is no multiple of any frame size: byte i is i mod 251. */
export function pattern(length: number): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, index) => index));
  return Buffer.alloc(length, period);
}

const table: Readonly<Record<string, Endpoint>> = {
  'hello.txt': (_request, response) => void response.end('hello\n'),
  echo: (request, response) => void request.pipe(response as ServerResponse),
  count(request, response) {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(String(bytes)));
  },
  bytes(_request, response, length) {
    response.setHeader('content-length', String(length));
    response.end(pattern(length));
  },
  headers(request, response) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.headers));
  },
  'large-headers'(_request, response, count) {
    for (let index = 0; index < count; index++) response.setHeader(`x-large-${index}`, 'v'.repeat(1_000));
    response.end();
  },
  trailers(request, response) {
    // Deferred to the end of the body, since the request's trailers are not known before it.
    request.on('data', (chunk: Buffer) => void (response as ServerResponse).write(chunk));
    request.on('end', () => {
      response.addTrailers(
        Object.fromEntries(Object.entries(request.trailers).map(([name, value]) => [name, value ?? ''])),
      );
      response.end();
    });
  },
  status(_request, response, status) {
    response.statusCode = status;
    response.end();
  },
  delay: (_request, response, milliseconds) => void setTimeout(() => response.end('hello\n'), milliseconds),
  reset(_request, response, errorCode) {
    const { stream } = response as Http2ServerResponse;
    (response as ServerResponse).write('x', () => stream.close(errorCode));
  },
  endless: (_request, response) => void (response as ServerResponse).write('begin'),
  silent: () => undefined,
};

/** Answers one request. */
export function endpoints(request: AnyRequest, response: AnyResponse): void {
  const [, name = '', argument = ''] = (request.url ?? '').split('/');
  const endpoint = table[name];
  if (endpoint === undefined) {
    response.statusCode = 404;
    response.end('not found\n');
    return;
  }
  endpoint(request, response, Number(argument));
}
