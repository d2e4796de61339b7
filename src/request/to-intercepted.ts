import { TransportError } from '../errors.js';
import { isOneShot, jsonText, toRequestBody } from '../body/index.js';
import { nameRequest } from '../request-line.js';
import type { InterceptedRequest } from './interceptors.js';
import { methodOf, normalizeMethod } from './methods.js';
import { addCredentials, flatten } from './prepare-request.js';
import { checkRequestOptions, type RequestOptions } from './request-options.js';
import { urlOf } from './targets.js';
import { fieldPairs } from '../field-list.js';

/**
 * The request as interceptors get it, with what can be checked before they are called. Throws as a request rejects, and
 * then its body is closed.
 */
export function toIntercepted(target: string | URL, options: RequestOptions): InterceptedRequest {
  let url: URL | undefined;
  try {
    checkRequestOptions(options);
    url = new URL(urlOf(target, 'url'));
    const { headers: given, json, ...rest } = options;
    const fields = given === undefined ? [] : flatten(given, 'header');
    // Who logs the URL is not to log them.
    if (url.username !== '' || url.password !== '') {
      addCredentials(fields, url);
      url.username = url.password = '';
    }
    const headers = headersOf(fields);
    const method = normalizeMethod(methodOf(options));
    if (json === undefined) return { ...rest, url: url.href, method, headers };
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    return { ...rest, url: url.href, method, headers, body: jsonText(json) };
  } catch (error) {
    if (url !== undefined) nameRequest(error, { method: methodOf(options), url: url.origin + url.pathname });
    const body = (options as RequestOptions | null)?.body;
    if (isOneShot(body)) toRequestBody(body)?.discard(error);
    throw error;
  }
}

/** Names and values in turn. Node's own error would show the value. */
export function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers();
  for (const [name, value] of fieldPairs(fields)) {
    try {
      headers.append(name, value);
    } catch {
      throw new TransportError(
        'ERR_PASSINGLANE_INVALID_HEADER',
        `Header ${JSON.stringify(name)} has a name or a value that cannot be sent`,
        { scope: 'request', initiator: 'user', unprocessed: true },
      );
    }
  }
  return headers;
}
