// Why cases fail; the first rule that matches a case's name or what was wrong gives the reason.
const rule = (pattern, reason) => ({ pattern, reason });

export const different = [
  rule(
    /Basic\/unimplemented/,
    'Connect-ES, which both are, does not compress a message without a byte, and so names no compression',
  ),
  rule(
    /no-end-stream/,
    'Connect-ES, which both are, says invalid_argument of a missing end of stream where the suite wants internal',
  ),
  rule(
    /full-duplex\/cancel-before-close-send.*no error/,
    "Connect-ES, which both are, at times ends gRPC's stream that was cancelled without an error",
  ),
];
