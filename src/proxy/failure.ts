import { TransportError } from '../errors.js';
import type { Origin } from '../ports/index.js';
import { withoutRequest } from '../request-line.js';

/** What is between us and the origin. */
export interface Route {
  readonly origin: Origin;
  readonly proxy: Origin;
}

/** The proxy answered CONNECT, with something other than 2xx (RFC 9110 section 9.3.6). */
export function refused(route: Route, status: number, credentialsSent: boolean): TransportError {
  return noTunnel(route, `refused with status ${status}. ${remedy(status, credentialsSent)}`, undefined);
}

/** There was no answer, or none that could be understood, or the tunnel was given up before it was made. */
export function brokeOff(route: Route, cause: unknown): TransportError {
  let why = String(cause);
  if (cause instanceof TransportError) why = withoutRequest(cause);
  else if (cause instanceof Error) why = cause.message;
  return noTunnel(route, `gave no answer to CONNECT: ${why}. Is it a proxy, and does it serve CONNECT?`, cause);
}

/** No connection to the proxy itself: `error` is that of its dial. */
export function unreachable({ origin, proxy }: Route, error: TransportError): TransportError {
  const why = withoutRequest(error).replace(`Could not connect to ${proxy.href}`, 'no connection to it');
  const message = `Could not connect to ${origin.href} through the proxy ${proxy.href}: ${why}`;
  const { code, scope, initiator, errorCode, cause } = error;
  return new TransportError(code, message, {
    scope,
    initiator,
    errorCode,
    cause,
    unprocessed: true,
    origin: origin.href,
  });
}

function remedy(status: number, credentialsSent: boolean): string {
  switch (status) {
    case 407:
      return credentialsSent
        ? 'Are the user and password in the URL of the proxy right, and does it take Basic authentication?'
        : 'It asks for credentials: put them into its URL, http://user:password@host:port';
    case 403:
    case 405:
      return 'Does it allow tunnels to this host and port?';
    case 502:
    case 503:
    case 504:
      return 'It could not reach the origin: is the name right, and the origin up?';
    default:
      return 'Is it a proxy, and does it serve CONNECT?';
  }
}

function noTunnel({ origin, proxy }: Route, what: string, cause: unknown): TransportError {
  return new TransportError(
    'ERR_PASSINGLANE_PROXY_REFUSED',
    `No tunnel to ${origin.href}: the proxy ${proxy.href} ${what}`,
    { scope: 'connection', initiator: 'remote', unprocessed: true, origin: origin.href, cause },
  );
}
