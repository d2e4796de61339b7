/** HTTP/1.1, for origins that speak nothing newer. */
export { Http1Connection } from './connection.js';
/** For CONNECT to a proxy. */
export { writeHead } from './request-head.js';
export { ResponseParser } from './response-parser.js';
