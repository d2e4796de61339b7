/** HTTP/1.1, for origins that speak nothing newer. */
export { Http1Connection } from './connection.js';
