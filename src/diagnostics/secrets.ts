const secretFields = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie']);

/** What stands for the value of a field that carries credentials, or the value where it does not. */
export function withoutSecret(name: string, value: string, instead: string): string {
  return secretFields.has(name.toLowerCase()) ? instead : value;
}
