import { sentenceOf, TransportError } from '../../errors.js';
import type { ClientResponse } from '../../index.js';
import { found, type Finding, type FindingName } from './findings.js';
import type { Place } from './secure.js';

/** What came of a GET that was answered. */
export interface Answer {
  readonly status: number;
  /** To its headers, in milliseconds. */
  readonly time: number;
  /** Of its body, as far as it was read. */
  readonly bytes: number;
}

export interface Asked {
  /** Undefined: no headers came. */
  readonly status: number | undefined;
  /** Undefined: there was none, or its body did not come. */
  readonly answer: Answer | undefined;
  readonly findings: readonly Finding[];
}

/** So much of a body is read, in bytes. */
const mostRead = 65_536;

/** Sends one GET, and says what is wrong with what comes of it. */
export async function ask(
  { address, url, timeout }: Place,
  version: 'HTTP/2' | 'HTTP/1.1',
  send: () => Promise<ClientResponse>,
): Promise<Asked> {
  const begun = performance.now();
  let status: number | undefined;
  try {
    const response = await send();
    status = response.status;
    const time = performance.now() - begun;
    let bytes = 0;
    for await (const chunk of response.body.borrow()) {
      bytes += chunk.length;
      if (bytes >= mostRead) break;
    }
    return { status, answer: { status, time, bytes }, findings: judge(status, url, address) };
  } catch (error) {
    const [name, text] = failureOf(error, status, version, timeout);
    return { status, answer: undefined, findings: [found(name, text, address)] };
  }
}

function judge(status: number, url: URL, address: string): Finding[] {
  if (status === 421) return [found('misdirected', `The server answered a request for ${url.host} with 421.`, address)];
  return status >= 500 ? [found('server-error', `The server answered with ${status}.`, address)] : [];
}

function failureOf(
  error: unknown,
  status: number | undefined,
  version: 'HTTP/2' | 'HTTP/1.1',
  timeout: number,
): readonly [FindingName, string] {
  const code = codeOf(error);
  const reset = error instanceof TransportError ? error.errorCode : undefined;
  if (code === 'ERR_PASSINGLANE_PROTOCOL')
    return [version === 'HTTP/2' ? 'breaks-http2' : 'breaks-http1', `${sentenceOf(error)}.`];
  if (code === 'ERR_PASSINGLANE_BODY_TIMEOUT')
    return ['body-stops', `The server answered ${status}, but for ${timeout} ms nothing more of the body came.`];
  if (status !== undefined) return ['body-cut', `The server answered ${status}, but broke off the body.`];
  if (code === 'ERR_PASSINGLANE_HEADERS_TIMEOUT')
    return ['no-answer', `The server did not answer a GET within ${timeout} ms.`];
  if (reset === 'REFUSED_STREAM') return ['request-refused', 'The server refused the request (REFUSED_STREAM).'];
  if (code === 'ERR_PASSINGLANE_STREAM_RESET') return ['request-reset', `The server reset the request (${reset}).`];
  return ['closed-on-request', 'The server closed the connection when it was sent a GET.'];
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
