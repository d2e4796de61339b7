/** Basic credentials (RFC 7617 section 2) of a user and password with a ':' between. */
export function basicCredentials(userAndPassword: string | Uint8Array): string {
  return `Basic ${Buffer.from(userAndPassword).toString('base64')}`;
}

/** Those of a URL's user-info; undefined where it has none. */
export function credentialsOf({ username, password }: URL): string | undefined {
  return username === '' && password === '' ? undefined : basicCredentials(percentDecoded(`${username}:${password}`));
}

/** Bytes, for they need be no UTF-8; what is no escape stays as it is (URL Standard, percent-decode). */
function percentDecoded(ascii: string): Buffer {
  const unescape = (_: string, hex: string): string => String.fromCharCode(parseInt(hex, 16));
  return Buffer.from(ascii.replace(/%([0-9a-f]{2})/gi, unescape), 'latin1');
}
