import { shownLine, type RequestLine } from '../request-line.js';

/** What is known of a response whose body is not JSON. */
export interface ReadAsJson {
  readonly request: RequestLine | undefined;
  readonly status: number | undefined;
  readonly contentType: string;
  /** It has no bytes. */
  readonly empty: boolean;
}

/**
 * A SyntaxError, as JSON.parse throws and fetch rejects with, with code ERR_INVALID_JSON. It names the response, and shows
 * nothing of the body, which JSON.parse's own message quotes.
 */
export function notJson(
  cause: unknown,
  { request, status, contentType, empty }: ReadAsJson,
): SyntaxError & { code: 'ERR_INVALID_JSON' } {
  const line = request === undefined ? '' : `${shownLine(request)}: `;
  const [type] = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+/.exec(contentType) ?? ['no content-type'];
  const head = status === undefined ? type : `status ${status}, ${type}`;
  const [, position] = /at position (\d+)/.exec(String(cause)) ?? [];
  const how = empty
    ? 'is empty, and so no JSON'
    : `is not JSON${position === undefined ? '' : `, from position ${position} on`}`;
  const error = new SyntaxError(`${line}The response body (${head}) ${how}`);
  return Object.assign(error, { code: 'ERR_INVALID_JSON' as const });
}
