import { fieldPairs } from '../field-list.js';

/** Whom a request says that it comes from, and how much of that (Referrer Policy, https://w3c.github.io/webappsec-referrer-policy/). */
export interface Referrer {
  readonly url: URL;
  readonly policy: string;
}

/** The policies, by the names that a response may give them (section 8.1); '' is the default. */
export const policies = [
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
] as const;

/** A URL of more characters than this is cut down to its origin (section 8.3, step 6). */
const longest = 4_096;

/**
 * What the request tells `url` of who sends it; undefined: nothing, as where the caller names no page, for Node has none.
 * Throws a TypeError (Fetch Standard, section 5.4, the Request constructor, step 14).
 */
export function referrerOf(given: string, policy: string, url: URL): Referrer | undefined {
  if (given === '' || given === 'about:client') return undefined;
  let referrer: URL;
  try {
    referrer = new URL(given);
  } catch {
    throw new TypeError('Failed to parse the referrer of fetch: it must be an absolute URL');
  }
  return toldTo(url, { url: referrer, policy });
}

/** The same after a redirect to `url`, by a response that may change the policy (section 8.2). */
export function referrerAfter(last: Referrer, fields: readonly string[], url: URL): Referrer | undefined {
  let { policy } = last;
  for (const [name, value] of fieldPairs(fields)) {
    if (name !== 'referrer-policy') continue;
    for (const token of value.split(',').map((item) => item.trim()))
      if (policies.some((one) => one === token)) policy = token;
  }
  return toldTo(url, { url: last.url, policy });
}

/** Section 8.3, "determine request's referrer". What is not told to one URL is not told to those it redirects to. */
function toldTo(url: URL, { url: referrer, policy }: Referrer): Referrer | undefined {
  if (referrer.protocol !== 'https:' && referrer.protocol !== 'http:') return undefined;
  const origin = new URL(referrer.origin);
  const whole = new URL(referrer);
  whole.username = whole.password = whole.hash = '';
  const full = { url: whole.href.length > longest ? origin : whole, policy };
  const cut = { url: origin, policy };
  const same = referrer.origin === url.origin;
  const downgrade = isTrustworthy(referrer) && !isTrustworthy(url);
  switch (policy) {
    case 'no-referrer':
      return undefined;
    case 'unsafe-url':
      return full;
    case 'origin':
      return cut;
    case 'same-origin':
      return same ? full : undefined;
    case 'origin-when-cross-origin':
      return same ? full : cut;
    case 'strict-origin':
      return downgrade ? undefined : cut;
    case 'no-referrer-when-downgrade':
      return downgrade ? undefined : full;
    default:
      if (same) return full;
      return downgrade ? undefined : cut;
  }
}

/** Nobody on the way can read along (Secure Contexts, section 3.1). */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(?:(?:.*\.)?localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
