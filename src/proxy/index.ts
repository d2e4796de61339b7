/** Tunnels through proxies, as the root sees them. */
export { proxyDialler } from './dialler.js';
