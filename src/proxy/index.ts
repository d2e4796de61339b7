/** Tunnels through proxies, as the root sees them. */
export { proxyDialler, type ProxyPlatform } from './dialler.js';
