import { CliError, ExitCode } from './exit-codes.js';

/**
 * The URL of an argument. One without a scheme is https:, but http: where it has a port other than 443, as curl takes it, or
 * with prior knowledge of HTTP/2.
 */
export function parseUrl(text: string, http2PriorKnowledge: boolean): URL {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const clear = http2PriorKnowledge || /^[^/?#]*:(?!443(?:[/?#]|$))\d+(?:[/?#]|$)/.test(text);
  const full = hasScheme ? text : `${clear ? 'http' : 'https'}://${text}`;
  // What stands before '://' is meant as a scheme, and a URL that has another in its path or query has a '/' or '?' first.
  // A path alone names no host, but URL takes its first part for one.
  if (!URL.canParse(full) || (!hasScheme && /^([^/?#]*:\/\/|[/\\])/.test(text))) {
    throw new CliError(ExitCode.BadUrl, `'${text}' is not a URL`, 'A URL looks like https://example.com:8443/path.');
  }
  const url = new URL(full);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CliError(
      ExitCode.UnsupportedScheme,
      `'${text}' has the scheme ${url.protocol}`,
      'Use an http:// or https:// URL.',
    );
  }
  return url;
}

export function withoutCredentials(url: URL): URL {
  if (url.username === '' && url.password === '') return url;
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}
