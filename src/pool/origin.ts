import { TransportError } from '../errors.js';
import type { Origin } from '../conn/index.js';

/**
 * The origin of a URL (RFC 6454): scheme, host and port, so that http and https never share a connection.
 * `URL` has already brought the host into its one form: lower case, Punycode, brackets around IPv6, no default port.
 */
export function originOf(url: URL): Origin {
  const { protocol, hostname } = url;
  if (protocol !== 'https:' && protocol !== 'http:')
    throw new TransportError(
      'ERR_PASSINGLANE_UNSUPPORTED_SCHEME',
      `Cannot request ${protocol} URLs: only https: and http:`,
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
