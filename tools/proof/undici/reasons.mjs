// Why cases of undici's are left out of the score, and why those that fail do. The first rule that matches a case's
// file, name or error gives the reason; `excluded` are about what is undici's own, not about a dispatcher.
const rule = (pattern, reason) => ({ pattern, reason });

export const excluded = [
  rule(/request dump with/, "they read the names of undici's own functions off the stack of an error"),
  rule(/process-ref\.js/, 'they start a process of their own, in which undici is itself'),
  rule(
    /references before completing|references after abort|destroy the h2 stream on abort|_resume should not crash|k[A-Z]\w+\]? is not a function|must not hang forever|keeps its h1 \(RFC7230\)|upgrade wait for empty pipeline|upgrade aborted/,
    "they look into undici's own fields",
  ),
  rule(
    /invalid HTTP\/2 connection headers|request header validation errors as a catchable|GOAWAY-rejected session|invalid HTTP\/2 session stream/,
    'they replace functions of node:http2, which is not used here',
  ),
  rule(
    /allowH2 is false|maxPayloadSize|128 MB limit|wire-size limit|permessage-deflate-limit.js.*file ends|maxEventSize|kStringMaxLength|Too many (empty )?fragments|deflate-limit.js Messages over the limit|fragments.js.*file ends/,
    "they are about options of undici's Agent: allowH2, webSocket, eventSource",
  ),
  rule(
    /skipHeaderNames|non-safe methods when methods option/,
    'they count on one request at a time, as a Client without pipelining makes them',
  ),
  rule(
    /request text2|client-keep-alive|legacy needDrain|#5611/,
    "they count on the events of undici's Client, one of which is 'drain'",
  ),
];

export const different = [
  rule(
    /empty h2 requests with payload-expecting/,
    'content-length: 0 is sent with POST, PUT and PATCH, as Go does, and not with QUERY and the like',
  ),
  rule(
    /body \(string or buffer\) - dispatch/,
    "rawHeaders are a list of names and values for HTTP/2 as for HTTP/1.1; undici's are an object there",
  ),
  rule(/handle h2 continue/, 'no expectation is sent where there is no content (RFC 9110 section 10.1.1)'),
  rule(
    /one multiplexed stream failed|cancelled stream must not strand|half-closed streams|stream cancelled before the response/,
    "a stream that the server reset fails with UND_ERR_SOCKET, which undici's retry knows, where undici says UND_ERR_INFO",
  ),
  rule(
    /non-websocket upgrade|non-200 HTTP\/2 response|stream timeout|http2 stream timeout|other side closed|content-type CRLF|forward common error/i,
    'the error is of the same class; its text is ours',
  ),
  rule(
    /stream closes before response headers/,
    'the error is a SocketError that names the reset, where the test wants another text',
  ),
  rule(/#3046 - GOAWAY/, "the text of the event 'disconnect' does not name the code"),
  rule(
    /#5468/,
    'the server says that it has processed a stream, and neither answers it nor closes: it is waited for, as Go does; the other 39 of 40 are answered',
  ),
  rule(/#5089/, 'connections are made by load: three with two streams each, where undici has two and four'),
  rule(
    /REFUSED_STREAM|HTTP\/2 stream errors/,
    'what was refused is sent again up to eight times (retry.maxAttempts); errors have errorCode in their cause and no http2ErrorCode',
  ),
  rule(/headers retain keys case-sensitive/i, 'names go out in lower case over HTTP/1.1 too'),
  rule(/raw responseHeaders/, 'names come in lower case over HTTP/1.1 too'),
  rule(/Custom upgrade|upgrade the connection when/, 'upgrade knows websocket only'),
  rule(
    /pipeline abort piped res$|pipeline abort piped res [^2]/,
    "the error is that of stream.pipeline, ERR_STREAM_PREMATURE_CLOSE, where undici's is UND_ERR_ABORTED",
  ),
  rule(/basic upgrade error/, 'what a callback throws is an uncaught exception, and not the error of its socket'),
  rule(/stream body without destroy/, 'a body whose destroy was taken away is left as it is'),
  rule(
    /ReadableStream request bodies/,
    "a ReadableStream that undici's redirect gives a second time is an error, where undici itself sends what is left of it",
  ),
  rule(
    /bad-etag|#4970|retrying a request with a body|Should retry status code|destroyed before end of response/,
    "undici's text 'other side closed' is what the test decides by; ours is another",
  ),
  rule(
    /dns.js.*(#4234|#5573)|Should pass context from other interceptors/,
    "the test looks at the options or the socket of undici's Client, which knows its origin",
  ),
  rule(/empty host header/, 'an empty host is refused'),
];
