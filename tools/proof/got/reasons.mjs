// Why cases of got's are left out of the score, and why those that fail do; as in ../undici/reasons.mjs.
const rule = (pattern, reason) => ({ pattern, reason });

export const excluded = [
  rule(
    /Invalid option .{0,2}agent|should wrap non-got cause|can retry without an agent/,
    'they give an Agent of node:http, which is refused: an agent that is passed over may have been a proxy',
  ),
  rule(
    /Invalid option .{0,2}createConnection/,
    'they make the connection by createConnection, which is an option of the Transport',
  ),
  rule(/emits request event as promise/, "they ask for an instance of node:http's ClientRequest"),
];

export const different = [
  rule(
    /lookup timeout|timings\.ts/,
    "the connection is not the request's own: got's times of dns, tcp and tls are undefined, and its time-outs of them do nothing",
  ),
  rule(
    /no uncaught parse errors/,
    'bytes behind a whole response are not read as a part of it: the response stands, and its connection ends',
  ),
  rule(/multiple codings/, 'a transfer-encoding other than chunked is refused: no coding of ours would be behind it'),
  rule(/`content-length` header is not overriden/, 'a content-length that is not the length of the body is refused'),
  rule(/minVersion/, "the code is OpenSSL's own of the alert, where node:http's test wants EPROTO"),
  rule(/NOT OK/, "the error's text says which connection failed, before what checkServerIdentity says"),
  rule(
    /content-length (does not match|mismatch)/,
    "a body that is cut is told by 'error', with ours as its cause, before 'aborted': got looks at the length in 'aborted' alone",
  ),
  rule(
    /piped writable stream body on cross-origin 307/,
    "the test writes to got's stream after got has ended it: over node:http the piece before it is still waiting then",
  ),
  rule(/cancels dropped async iterable/, 'a busy machine: over got itself it has failed here as well'),
  rule(/less than 600ms|respects backoffLimit/, 'a busy machine: the case looks at the clock'),
];
