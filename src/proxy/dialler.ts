import type { Duplex } from 'node:stream';
import type { Dialled, Dialler, DialRoute, Origin } from '../ports/index.js';
import { inRootContext, nodeClock, NodeDialler } from '../node/index.js';
import type { ResolvedOptions } from '../transport-options.js';
import { environmentRule, type ProxyRule } from './environment.js';
import { parseProxy, type Proxy } from './proxy.js';
import { Tunnels } from './tunnels.js';

/**
 * Dials as the option `proxy` says. Throws a TypeError, ERR_INVALID_ARG_VALUE, for a proxy that cannot be used;
 * the environment is read now, once.
 */
export function proxyDialler(options: ResolvedOptions): Dialler {
  const direct = new NodeDialler(options);
  const { proxy } = options;
  if (proxy === undefined || proxy === false) return direct;
  if (proxy === 'env') return new ProxyDialler(direct, environmentRule(process.env), options);
  const always = parseProxy("option 'proxy'", proxy);
  return new ProxyDialler(direct, () => always, options);
}

/** Dials through a tunnel where a proxy leads to the origin, and directly where none does. */
class ProxyDialler implements Dialler {
  private readonly direct: NodeDialler;
  private readonly rule: ProxyRule;
  private readonly options: ResolvedOptions;
  private readonly tunnels = new Map<Proxy, Tunnels>();

  constructor(direct: NodeDialler, rule: ProxyRule, options: ResolvedOptions) {
    this.direct = direct;
    this.rule = rule;
    this.options = options;
  }

  async dial(origin: Origin, signal: AbortSignal, http1Only = false, route?: DialRoute): Promise<Dialled> {
    const proxy = this.rule(origin);
    if (proxy === undefined) return this.direct.dial(origin, signal, http1Only, route);
    const begun = nodeClock.now();
    const stream = await inRootContext(() => this.open(proxy, origin, signal));
    return this.direct.dialOver({ stream, begun }, origin, signal, http1Only);
  }

  resolve(origin: Origin): Promise<readonly string[]> | undefined {
    return this.rule(origin) === undefined ? this.direct.resolve(origin) : undefined;
  }

  private open(proxy: Proxy, origin: Origin, signal: AbortSignal): Promise<Duplex> {
    let tunnels = this.tunnels.get(proxy);
    if (tunnels === undefined) this.tunnels.set(proxy, (tunnels = new Tunnels(proxy, this.options)));
    return tunnels.open(origin, signal);
  }

  closeIdle(): void {
    for (const tunnels of this.tunnels.values()) tunnels.closeIdle();
  }

  close(): void {
    for (const tunnels of this.tunnels.values()) tunnels.close();
  }
}
