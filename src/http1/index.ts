/** HTTP/1.1 through node:http, as the dialler loads it when it first meets a server that speaks nothing newer. */
export { NodeHttp1Connection, type Http1Platform } from './connection.js';
