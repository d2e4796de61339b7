import { TransportError } from '../errors.js';
import { originKey, type Origin } from '../ports/index.js';

/**
 * The origin of a URL (RFC 6454): scheme, host and port, so that http and https never share a connection.
 * `URL` has already brought the host into its one form: lower case, Punycode, brackets around IPv6, no default port.
 */
export function originOf(url: URL): Origin {
  const { protocol, hostname } = url;
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TransportError(
      'ERR_PASSINGLANE_UNSUPPORTED_SCHEME',
      `Cannot request ${protocol} URLs: only https: and http:${missingScheme(url)}`,
      {
        scope: 'request',
        initiator: 'user',
        unprocessed: true,
      },
    );
  return {
    scheme: protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: url.port === '' ? (protocol === 'https:' ? 443 : 80) : Number(url.port),
    href: url.origin,
    authority: url.host,
  };
}

/** `localhost:8080/x` is a URL whose scheme is localhost. */
function missingScheme({ protocol, pathname }: URL): string {
  const port = /^\d{1,5}(?=\/|$)/.exec(pathname)?.[0];
  return port === undefined
    ? ''
    : `. If ${protocol.slice(0, -1)} is a host, write http://${protocol}${port}/ or https://`;
}

/** An origin's name among the pools: it may have one for connections of HTTP/1.1 beside that for all. */
export function poolKey(origin: Origin, http1Only: boolean): string {
  return originKey(origin) + (http1Only ? '#http/1.1' : '');
}
