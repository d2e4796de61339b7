// Why ours does otherwise than curl; the first rule that matches gives the reason.
const rule = (pattern, reason) => ({ pattern, reason });

export const different = [
  rule(/glob|multiple requests using|^18 /i, 'a URL is taken as it is: {} and [] make no list of URLs'),
  rule(/%\{local_(ip|port)\}/, '-w does not know that variable, which is another in each run'),
  rule(
    /^(4|1292) /,
    'a -H line that is no header, or that is not for a request, ends it with 2, where curl leaves it out',
  ),
  rule(/^1121 /, 'more than one host is refused'),
  rule(
    /^60 /,
    'a body that is not as long as its content-length is an error before it is sent; curl lets the server find out',
  ),
  rule(
    /retry/i,
    'of tries that were not the last one nothing is printed, and each begins where it failed, not at the first URL',
  ),
  rule(
    /^1293 /,
    "of several URLs the exit number is that of the first that failed, under which none is lost; curl gives the last one's",
  ),
  rule(/^1665 /, 'the fields of a response without the content that they promise are printed, and then the failure'),
  rule(/^186 /, 'of a part of a form that is no file no type is taken: ;type= stays in its value'),
  rule(/^277 /, 'a part of a form says form-data, whatever content-type the user gives the whole'),
  rule(/^461 /, 'a request without a host goes out with that of its URL'),
];
