// Why cases of WPT are left out, and why ours does otherwise; the first rule that matches gives the reason.
const rule = (pattern, reason) => ({ pattern, reason });

export const excluded = [
  rule(
    /Check referrer header|referrer is correct|request's referer|Referer does not have/,
    'a Transport has no page that Referer would name',
  ),
  rule(/Check origin header|Origin header|header origin/, 'a Transport has no page that Origin would name'),
];

export const different = [
  rule(/accept-language/, 'no accept-language is sent where the user gives none'),
  rule(/request-headers-case/, 'names go out in lower case over HTTP/1.1 too'),
  rule(/forbidden-headers/, 'a field that frames the message is refused, where Node sends it or leaves it out'),
  rule(
    /back-to-original-origin|mode-no-cors/,
    'a response is not opaque: mode no-cors hides nothing from the process that asks',
  ),
];
