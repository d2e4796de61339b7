/** `fetch` over a transport's `request`. Nothing of the platform's Response or Request is touched before it is called. */
export { fetchOver } from './fetch.js';
export type { FetchInit } from './request.js';
export type { TimedResponse } from './response.js';
export { fetchThrough } from './through.js';
