import type { Duplex } from 'node:stream';
import type { Dialled, Dialler, DialRoute, Origin, StreamDialler } from '../ports/index.js';
import type { ResolvedOptions } from '../transport-options.js';
import { environmentRule, type ProxyRule } from './environment.js';
import { ProxyTunnel } from './proxy-tunnel.js';
import { parseProxy, type Proxy } from './proxy.js';
import { Tunnels, type ProxyPlatform } from './tunnels.js';

export type { ProxyPlatform };

/**
 * Dials as the option `proxy` says. Throws a TypeError, ERR_INVALID_ARG_VALUE, for a proxy that cannot be used;
 * the environment is read now, once.
 */
export function proxyDialler(options: ResolvedOptions, platform: ProxyPlatform): Dialler {
  const direct = platform.dialler(options);
  const { proxy } = options;
  if (proxy === undefined || proxy === false) return direct;
  if (proxy === 'env') return new ProxyDialler(direct, environmentRule(process.env), options, platform);
  const always = parseProxy("option 'proxy'", proxy);
  return new ProxyDialler(direct, () => always, options, platform);
}

/** Dials through a tunnel where a proxy leads to the origin, and directly where none does. */
class ProxyDialler implements Dialler {
  private readonly direct: StreamDialler;
  private readonly rule: ProxyRule;
  private readonly options: ResolvedOptions;
  private readonly platform: ProxyPlatform;
  private readonly tunnels = new Map<Proxy, Tunnels>();

  constructor(direct: StreamDialler, rule: ProxyRule, options: ResolvedOptions, platform: ProxyPlatform) {
    this.direct = direct;
    this.rule = rule;
    this.options = options;
    this.platform = platform;
  }

  async dial(origin: Origin, signal: AbortSignal, http1Only = false, route?: DialRoute): Promise<Dialled> {
    const proxy = this.rule(origin);
    if (proxy === undefined) return this.direct.dial(origin, signal, http1Only, route);
    const { clock, inRootContext } = this.platform;
    const begun = clock.now();
    const stream = await inRootContext(() => this.open(proxy, origin, signal));
    const dialled = await this.direct.dialOver({ stream, begun }, origin, signal, http1Only);
    return stream instanceof ProxyTunnel ? { ...dialled, beneath: stream.beneath } : dialled;
  }

  resolve(origin: Origin): Promise<readonly string[]> | undefined {
    return this.rule(origin) === undefined ? this.direct.resolve?.(origin) : undefined;
  }

  private open(proxy: Proxy, origin: Origin, signal: AbortSignal): Promise<Duplex> {
    let tunnels = this.tunnels.get(proxy);
    if (tunnels === undefined) this.tunnels.set(proxy, (tunnels = new Tunnels(proxy, this.options, this.platform)));
    return tunnels.open(origin, signal);
  }

  closeIdle(): void {
    for (const tunnels of this.tunnels.values()) tunnels.closeIdle();
  }

  close(): void {
    for (const tunnels of this.tunnels.values()) tunnels.close();
  }
}
