import { TransportError } from '../errors.js';
import { parseContentLength } from './content-length.js';
import {
  FieldClass,
  classOf,
  fieldSize,
  isFieldValue,
  isToken,
  lowerCaseAscii,
  quoteName,
  trimBlanks,
} from './field-syntax.js';

/** What a request's header block is made of. Field lists are flat: name, value, name, value. */
export interface RequestHead {
  /** '' means GET. Case matters. */
  readonly method: string;
  /** 'https' or 'http'. */
  readonly scheme: string;
  /** Host and port without user-info; a `host` field among `fields` replaces it. */
  readonly authority: string;
  /** Path and query: begins with '/', or is '*' (OPTIONS). Unused in a plain CONNECT. */
  readonly path: string;
  /** The `:protocol` of an extended CONNECT (RFC 8441); undefined: none. */
  readonly protocol: string | undefined;
  /** The caller's fields, names in any case. */
  readonly fields: readonly string[];
  /** Length of the body in bytes, -1 unknown. */
  readonly contentLength: number;
  readonly hasBody: boolean;
  /** Announced in a `trailer` field; empty: none. */
  readonly trailerNames: readonly string[];
  /** Sent unless the caller's fields hold a user-agent; '' or undefined: none. */
  readonly userAgent: string | undefined;
  /** Sent unless the caller's fields hold accept-encoding or range, or the method is HEAD; undefined: none. */
  readonly acceptEncoding: string | undefined;
  readonly expectContinue: boolean;
  /** The RFC 9218 field value, sent unless the caller's fields hold a priority; undefined: none. */
  readonly priority: string | undefined;
}

/** The caller's fields that keep a default from being sent. */
interface Given {
  userAgent: string | undefined;
  acceptEncoding: boolean;
  range: boolean;
  expectContinue: boolean;
  priority: boolean;
}

/**
 * The header block of a request: flat, lower-case, validated, pseudo-fields first. Nothing has been encoded or
 * allocated when it throws.
 *
 * @throws TransportError ERR_PASSINGLANE_INVALID_HEADER when one of the caller's fields cannot be sent,
 * ERR_PASSINGLANE_INVALID_REQUEST when anything else cannot.
 */
export function buildRequestFields(head: RequestHead): string[] {
  const method = head.method === '' ? 'GET' : head.method;
  const out = requestLine(head, method);
  if (head.trailerNames.length > 0) out.push('trailer', announcement(head.trailerNames));
  const given = addCallersFields(out, head.fields);

  // RFC 9110 section 10.1.1: no expectation in a request without content.
  if (head.expectContinue && !given.expectContinue && head.hasBody && head.contentLength !== 0) {
    out.push('expect', '100-continue');
  }
  if (head.priority !== undefined && !given.priority)
    out.push('priority', checkedValue('Header', 'priority', head.priority));
  const length = lengthToSend(head, method);
  if (length !== -1) out.push('content-length', String(length));
  if (head.acceptEncoding !== undefined && !given.acceptEncoding && !given.range && method !== 'HEAD') {
    out.push('accept-encoding', checkedValue('Header', 'accept-encoding', head.acceptEncoding));
  }
  const userAgent = given.userAgent ?? head.userAgent ?? '';
  if (userAgent !== '') out.push('user-agent', checkedValue('Header', 'user-agent', userAgent));
  return out;
}

/**
 * The trailer block: flat, lower-case, validated. Empty when there are no fields.
 *
 * @param unprocessed whether nothing of the request has been sealed yet, which an error then says
 * @throws TransportError ERR_PASSINGLANE_INVALID_HEADER
 */
export function buildTrailerFields(fields: readonly string[], unprocessed = true): string[] {
  const out: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = trailerName(fields[i]!, unprocessed);
    out.push(name, checkedValue('Trailer', name, fields[i + 1]!, unprocessed));
  }
  return out;
}

/** The size of a header list in the sense of SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 section 6.5.2). */
export function fieldListSize(fields: readonly string[]): number {
  let size = 0;
  for (let i = 0; i + 1 < fields.length; i += 2) size += fieldSize(fields[i]!, fields[i + 1]!);
  return size;
}

/**
 * Whether a field must never enter a compression table (RFC 7541 section 7.1.3): credentials, and cookies short enough
 * to be guessed. Expects a lower-case name.
 */
export function isSensitive(name: string, value: string): boolean {
  switch (name) {
    case 'authorization':
    case 'proxy-authorization':
    case 'set-cookie':
      return true;
    case 'cookie':
      return value.length < 20;
    default:
      return false;
  }
}

/**
 * The body length that the caller's own content-length field declares, -1 if there is none. Repeats of one number are
 * allowed, as fields or in one ("2, 2", RFC 9110 section 8.6): the fetch of Node 20 and 22 adds its own to the caller's.
 *
 * @throws TransportError ERR_PASSINGLANE_INVALID_HEADER when it is no number, or two of them differ.
 */
export function declaredLength(fields: readonly string[]): number {
  let declared = -1;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!isNamed(fields[i]!, 'content-length')) continue;
    for (const member of fields[i + 1]!.split(',')) {
      const length = parseContentLength(trimBlanks(member));
      if (length === -1) throw invalidHeader('Header "content-length" is not a number of bytes. Give digits only.');
      if (declared !== -1 && length !== declared) {
        throw invalidHeader('Header "content-length" is given more than once, with different numbers. Give it once.');
      }
      declared = length;
    }
  }
  return declared;
}

/** The pseudo-fields, in Go's order (RFC 9113 sections 8.3.1 and 8.5, RFC 8441 section 4). */
function requestLine(head: RequestHead, method: string): string[] {
  if (!isToken(method)) throw invalidRequest('The method is not a token. Use a name such as GET.');
  const { protocol } = head;
  if (protocol !== undefined && method !== 'CONNECT') {
    throw invalidRequest('A protocol needs the method CONNECT (RFC 8441).');
  }
  const authority = authorityOf(head);
  if (method === 'CONNECT' && protocol === undefined) {
    // Section 8.5: host and port. URLs leave out the port that their scheme implies.
    const port = /:\d*$/.test(authority) ? '' : head.scheme === 'http' ? ':80' : ':443';
    return [':authority', authority + port, ':method', method];
  }
  const { scheme, path } = head;
  if (scheme !== 'https' && scheme !== 'http') throw invalidRequest('The scheme is neither https nor http.');
  if (!isPath(path) && !(path === '*' && method === 'OPTIONS')) {
    throw invalidRequest(
      'The path must begin with "/" and hold no white space, control or non-ASCII character and no "#"; ' +
        'percent-encode them. Only OPTIONS may have the path "*".',
    );
  }
  const out = [':authority', authority, ':method', method, ':path', path, ':scheme', scheme];
  if (protocol === undefined) return out;
  if (!isToken(protocol)) throw invalidRequest('The protocol is not a token. Use a name such as websocket.');
  out.push(':protocol', protocol);
  return out;
}

// The characters of a host (RFC 3986 section 3.2.2). No "@": user-info is never sent (RFC 9113 section 8.3.1).
const authoritySyntax = /^[A-Za-z0-9!$%&()*+,\-.:;=['_~\]]+$/;

/** The caller's `host` field when there is one, which may come once, else the authority of the URL. */
function authorityOf(head: RequestHead): string {
  let host: string | undefined;
  for (let i = 0; i + 1 < head.fields.length; i += 2) {
    if (!isNamed(head.fields[i]!, 'host')) continue;
    if (host !== undefined) throw invalidHeader('Header "host" is given more than once. Give it once.');
    host = trimBlanks(head.fields[i + 1]!);
    if (!authoritySyntax.test(host)) {
      throw invalidHeader('Header "host" is empty or has a character that no host has. Give a host and port only.');
    }
  }
  if (host !== undefined) return host;
  if (!authoritySyntax.test(head.authority)) {
    throw invalidRequest(
      'The host (authority) is empty or has a character that no host has. Give a host and port only.',
    );
  }
  return head.authority;
}

// RFC 9112 section 3.2.1 origin-form, with every visible character but "#" let through, as servers expect.
const pathSyntax = /^\/[!"$-~]*$/;

function isPath(path: string): boolean {
  return pathSyntax.test(path);
}

/** Canonical case, sorted, joined by commas. */
function announcement(names: readonly string[]): string {
  const canonical = names.map((name) => trailerName(name, true).replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()));
  return canonical.sort().join(',');
}

function trailerName(given: string, unprocessed: boolean): string {
  const name = lowerCaseAscii(given);
  switch (classOf(name)) {
    case FieldClass.Invalid:
      throw invalidName('Trailer', given, unprocessed);
    // Framing, routing and hop-by-hop fields mean something only before the body (RFC 9110 section 6.5.1).
    case FieldClass.ConnectionSpecific:
    case FieldClass.Te:
    case FieldClass.Host:
    case FieldClass.ContentLength:
    case FieldClass.Trailer:
      throw invalidHeader(
        `Trailer ${quoteName(name)} is not allowed after a body. Send it as a header, or not at all.`,
        unprocessed,
      );
    default:
      return name;
  }
}

function addCallersFields(out: string[], fields: readonly string[]): Given {
  const given: Given = {
    userAgent: undefined,
    acceptEncoding: false,
    range: false,
    expectContinue: false,
    priority: false,
  };
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = lowerCaseAscii(fields[i]!);
    const fieldClass = classOf(name);
    if (fieldClass === FieldClass.Invalid) throw invalidName('Header', fields[i]!);
    const value = checkedValue('Header', name, fields[i + 1]!);
    switch (fieldClass) {
      case FieldClass.ConnectionSpecific:
        checkConnectionSpecific(name, value, fields);
        continue;
      case FieldClass.Host: // went into :authority
      case FieldClass.ContentLength: // lengthToSend decides
        continue;
      case FieldClass.UserAgent: // the first one counts, and goes last
        given.userAgent ??= value;
        continue;
      case FieldClass.Cookie:
        addCookie(out, value);
        continue;
      case FieldClass.Te:
        // RFC 9113 section 8.2.2: "MUST NOT contain any value other than trailers". Go sends what it is given,
        // and peers answer with a reset that says nothing of the cause.
        if (value.toLowerCase() !== 'trailers') throw invalidHeader('Header "te" may only be "trailers" in HTTP/2.');
        out.push('te', 'trailers');
        continue;
      case FieldClass.AcceptEncoding:
        given.acceptEncoding = true;
        break;
      case FieldClass.Range:
        given.range = true;
        break;
      case FieldClass.Expect:
        given.expectContinue ||= /(^|,)[ \t]*100-continue[ \t]*(,|$)/i.test(value);
        break;
      case FieldClass.Priority:
        given.priority = true;
        break;
    }
    out.push(name, value);
  }
  return given;
}

/**
 * Fields of an HTTP/1.1 connection are dropped where that changes nothing, and refused where the caller wants
 * something that HTTP/2 cannot do (the `upgrade: chunked` that Go lets through is refused as well).
 */
function checkConnectionSpecific(name: string, value: string, fields: readonly string[]): void {
  if (name === 'upgrade') {
    if (value === '') return;
    throw invalidHeader('Header "upgrade" does not exist in HTTP/2. Use extended CONNECT (the protocol option).');
  }
  let harmless: boolean;
  if (name === 'transfer-encoding') harmless = value === '' || value === 'chunked';
  else if (name === 'connection') harmless = value === '' || /^(close|keep-alive)$/i.test(value);
  else return;
  let count = 0;
  for (let i = 0; i + 1 < fields.length; i += 2) if (isNamed(fields[i]!, name)) count++;
  if (!harmless || count > 1) {
    throw invalidHeader(`Header ${quoteName(name)} asks for what HTTP/2 does not have. Leave it out.`);
  }
}

/**
 * Each cookie-pair is a field of its own, which compresses better (RFC 9113 section 8.2.3). An empty piece before
 * a `;` is kept, one at the end is not.
 */
function addCookie(out: string[], value: string): void {
  let start = 0;
  for (let end = value.indexOf(';'); end !== -1; end = value.indexOf(';', start)) {
    out.push('cookie', trimBlanks(value.slice(start, end)));
    start = end + 1;
  }
  const last = start === 0 ? value : trimBlanks(value.slice(start));
  if (last !== '') out.push('cookie', last);
}

/** The content-length to send; -1: none. Zero is sent only where a body is usual. */
function lengthToSend(head: RequestHead, method: string): number {
  const known = head.hasBody ? head.contentLength : 0;
  const declared = declaredLength(head.fields);
  if (declared !== -1 && known !== -1 && declared !== known) {
    throw new TransportError(
      'ERR_PASSINGLANE_REQUEST_BODY_LENGTH',
      `The content-length header says ${declared} bytes and the body has ${known}. Leave the header out.`,
      { scope: 'request', initiator: 'user', unprocessed: true },
    );
  }
  const length = known === -1 ? declared : known;
  return length === 0 && method !== 'POST' && method !== 'PUT' && method !== 'PATCH' ? -1 : length;
}

/** Same name, in any case. */
function isNamed(given: string, name: string): boolean {
  return given.length === name.length && lowerCaseAscii(given) === name;
}

/** The value without blanks around it, which HTTP/2 forbids to send (RFC 9113 section 8.2.1). */
function checkedValue(kind: 'Header' | 'Trailer', name: string, value: string, unprocessed = true): string {
  if (!isFieldValue(value)) {
    throw invalidHeader(
      `${kind} ${quoteName(name)} has a value with a control character or one above U+00FF. ` +
        'Encode it, or take the character out.',
      unprocessed,
    );
  }
  return trimBlanks(value);
}

function invalidName(kind: 'Header' | 'Trailer', given: string, unprocessed = true): TransportError {
  const why = given.startsWith(':')
    ? 'is a pseudo-field. What it says comes from the method, the URL and the "host" header.'
    : 'has a name that is not a token. Use letters, digits and "-" only.';
  return invalidHeader(`${kind} ${quoteName(given)} ${why}`, unprocessed);
}

function invalidHeader(message: string, unprocessed = true): TransportError {
  return new TransportError('ERR_PASSINGLANE_INVALID_HEADER', message, {
    scope: 'request',
    initiator: 'user',
    unprocessed,
  });
}

function invalidRequest(message: string): TransportError {
  return new TransportError('ERR_PASSINGLANE_INVALID_REQUEST', message, {
    scope: 'request',
    initiator: 'user',
    unprocessed: true,
  });
}
