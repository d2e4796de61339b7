// Why ours does otherwise than curl; the first rule that matches gives the reason.
const rule = (pattern, reason) => ({ pattern, reason });

export const different = [
  rule(
    /^(4|1292) /,
    'a -H line that is no header, or that is not for a request, ends it with 2: curl leaves it out and says nothing, as of a mistyped credential',
  ),
  rule(
    /^1121 /,
    'more than one host is refused, for two servers may each follow another one (RFC 9112 section 3.2); curl sends the first',
  ),
  rule(
    /^60 /,
    'a body that is not as long as its content-length is an error before it is sent; curl lets the server find out',
  ),
  rule(
    /retry/i,
    'of tries that were not the last one nothing is printed, where the output is that of the answer alone, and each begins where it ' +
      'failed: curl goes from the first URL again, which posts twice what was redirected',
  ),
  rule(
    /^1293 /,
    "of several URLs the exit number is that of the first that failed, under which none is lost, and a part without a name has an empty one; curl gives the last one's, and no name",
  ),
  rule(/^1665 /, 'the fields of a response without the content that they promise are printed, and then the failure'),
  rule(
    /^461 /,
    'a request without a host goes out with that of its URL, for HTTP/2 is to have one (RFC 9113 section 8.3.1); curl sends none, and the server resets the stream',
  ),
];
