// RFC 9110 section 5.6.2, tchar; and the same without A-Z, which HTTP/2 forbids (RFC 9113 section 8.2.1).
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const lowerCaseToken = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// RFC 9110 section 5.5: all but HTAB, SP, VCHAR and obs-text.
const notInValue = /[^\t\x20-\x7e\x80-\xff]/;
const upperCase = /[A-Z]/;
const upperCaseRuns = /[A-Z]+/g;

/** A token: one or more tchar (RFC 9110 section 5.6.2). What methods and field names are made of. */
export function isToken(text: string): boolean {
  return token.test(text);
}

/** A field name as HTTP/2 carries it: a token without upper case (RFC 9113 section 8.2.1). */
export function isLowerCaseToken(name: string): boolean {
  return lowerCaseToken.test(name);
}

/**
 * Every character is allowed in a field value (RFC 9110 section 5.5): HTAB, SP, visible ASCII, and the bytes 0x80 to
 * 0xff. Control characters, DEL and characters that are no byte are not. Empty is allowed.
 */
export function isFieldValue(value: string): boolean {
  return !notInValue.test(value);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A value that starts or ends with SP or HTAB, which is malformed when received (RFC 9113 section 8.2.1). */
export function hasOuterBlank(value: string): boolean {
  const last = value.length - 1;
  return last >= 0 && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(last)));
}

/** The value without SP and HTAB around it, which are no part of it (RFC 9110 section 5.5). */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return end - start === value.length ? value : value.slice(start, end);
}

/** A-Z in lower case and nothing else changed, so that no look-alike becomes an ASCII letter. */
export function lowerCaseAscii(name: string): string {
  if (!upperCase.test(name)) return name;
  // toLowerCase is safe, and three times as fast, where every character is ASCII.
  return token.test(name) ? name.toLowerCase() : name.replace(upperCaseRuns, (run) => run.toLowerCase());
}

/** What a field counts for in a header list: both lengths and 32 (RFC 9113 section 6.5.2). */
export function fieldSize(name: string, value: string): number {
  return name.length + value.length + 32;
}

/** A name as it may stand in a message: quoted, and shortened when it is long. Never use it for a value. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);
}

/** What a field name asks of those who build or read a header block. */
export const FieldClass = {
  /** Not a lower-case token. */
  Invalid: 0,
  Ordinary: 1,
  /** Speaks of an HTTP/1.1 connection and has no place in HTTP/2 (RFC 9113 section 8.2.2). */
  ConnectionSpecific: 2,
  Te: 3,
  Host: 4,
  ContentLength: 5,
  Trailer: 6,
  Cookie: 7,
  UserAgent: 8,
  AcceptEncoding: 9,
  Range: 10,
  Expect: 11,
  Priority: 12,
} as const;

export type FieldClass = (typeof FieldClass)[keyof typeof FieldClass];

/** RFC 9113 section 8.2.2. */
export const connectionSpecific = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
] as const;

// Responses of usual servers are made of these. Looking one up takes a third of the time that checking it does.
const commonNames = [
  'accept-ranges',
  'access-control-allow-origin',
  'age',
  'alt-svc',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-security-policy',
  'content-type',
  'date',
  'etag',
  'expires',
  'grpc-message',
  'grpc-status',
  'last-modified',
  'link',
  'location',
  'retry-after',
  'server',
  'set-cookie',
  'strict-transport-security',
  'vary',
  'via',
  'x-content-type-options',
  'x-request-id',
] as const;

// Fixed: nothing is ever added, since names come from the peer.
const classes = new Map<string, FieldClass>([
  ...commonNames.map((name): [string, FieldClass] => [name, FieldClass.Ordinary]),
  ...connectionSpecific.map((name): [string, FieldClass] => [name, FieldClass.ConnectionSpecific]),
  ['te', FieldClass.Te],
  ['host', FieldClass.Host],
  ['content-length', FieldClass.ContentLength],
  ['trailer', FieldClass.Trailer],
  ['cookie', FieldClass.Cookie],
  ['user-agent', FieldClass.UserAgent],
  ['accept-encoding', FieldClass.AcceptEncoding],
  ['range', FieldClass.Range],
  ['expect', FieldClass.Expect],
  ['priority', FieldClass.Priority],
]);

/** The class of a name as HTTP/2 carries it; `Invalid` when it is not a lower-case token. */
export function classOf(name: string): FieldClass {
  return classes.get(name) ?? (isLowerCaseToken(name) ? FieldClass.Ordinary : FieldClass.Invalid);
}
