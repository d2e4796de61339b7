/** The value of one Content-Length, in bytes; -1 if it is not 1*DIGIT (RFC 9110 section 8.6) or above 2^53-1. */
export function parseContentLength(value: string): number {
  if (value.length === 0) return -1;
  let length = 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

/**
 * The value of a received Content-Length field; -1 if it is invalid. A list that repeats one value counts as that
 * value, as RFC 9110 section 8.6 allows ("42, 42": somebody on the way joined two fields).
 */
export function parseReceivedContentLength(value: string): number {
  if (!value.includes(',')) return parseContentLength(value);
  let agreed = -1;
  for (const member of value.split(',')) {
    const length = parseContentLength(member.trim());
    if (length === -1 || (agreed !== -1 && length !== agreed)) return -1;
    agreed = length;
  }
  return agreed;
}
