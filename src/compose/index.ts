/** Views of a transport, and interceptors around its requests. */
export { addInterceptor, type TransportView, viewOf } from './transport-view.js';
export { extendDefaults, noDefaults, type ViewOptions } from './view-options.js';
