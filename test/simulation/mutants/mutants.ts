import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A fault, put into a copy of what was compiled: proof that the simulator bites. `from` stands in exactly one compiled file,
 * wherever that is, so that files may move.
 */
export interface Mutant {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a limit lowered to 0 keeps requests waiting',
    from: 'if (seen.zero === 0 || s.strict)',
    to: 'if (seen.zero >= 0 || s.strict)',
  },
  {
    name: 'a request of unknown fate is sent again',
    from: 'const safe = error.unprocessed || repeatable ||',
    to: "const safe = error.unprocessed || repeatable || error.scope !== 'request' ||",
  },
  {
    name: 'GOAWAY fails the streams that the server goes on with',
    from: 'if (stream.id <= lastStreamId)',
    to: 'if (stream.id < lastStreamId)',
  },
  {
    name: 'a body that is cut ends as if it were whole',
    from: 'this.body?.fail(error);',
    to: 'this.body?.end();',
  },
  {
    name: 'credit of DATA for streams that are over is lost',
    from: 'c.credit.refund(reader.length);',
    to: 'if (c.streams.has(reader.streamId)) c.credit.refund(reader.length);',
  },
  {
    name: 'a stalled write is never noticed',
    from: 'this.writingSince >= 0 ? this.writingSince + stallTimeout : Infinity',
    to: 'this.writingSince >= 0 ? this.writingSince + stallTimeout * 1_000 : Infinity',
  },
  {
    name: 'a time-out outlives its request',
    from: 'this.host.clock.clearTimer(this.totalTimer);',
    to: 'void this.totalTimer;',
  },
  {
    name: 'an idle connection keeps the process alive',
    from: 'this.#transport.unref();',
    to: 'void this.#transport;',
  },
  {
    name: 'DATA goes out beyond the connection window',
    from: 'Math.min(left, stream.sendWindow, c.sendWindow, c.peer.maxFrameSize)',
    to: 'Math.min(left, stream.sendWindow, c.peer.maxFrameSize)',
  },
  {
    name: "the server's stream limit is not kept",
    from: 'if (c.slotsUsed >= c.peer.maxConcurrentStreams)',
    to: 'if (c.slotsUsed > c.peer.maxConcurrentStreams)',
  },
  {
    name: 'PINGs are sent without a budget',
    from: 'return this.ownPings < freePings ? -Infinity : this.lastOwnPing + this.pingGap;',
    to: 'return -Infinity;',
  },
  {
    name: 'what was read is kept where the next read overwrites it',
    from: 'const copy = transient || bytes.buffer.byteLength > 4 * (end - start);',
    to: 'const copy = false;',
  },
  {
    name: 'those who wait are not told that a dial failed',
    from: 'for (const exchange of [...this.queue])\n            exchange.settleFailed(TransportError',
    to: 'for (const exchange of [])\n            exchange.settleFailed(TransportError',
  },
  {
    name: 'a reset keeps its stream in the table',
    from: 'c.resets.hold();\n    forget(c, stream);',
    to: 'c.resets.hold();',
  },
  {
    name: 'an upload whose source fails ends as if it were whole',
    from: 'onError = (error) => {\n        this.fail(error);',
    to: 'onError = (error) => {\n        this.finish(error);',
  },
];

/** The compiled file that the fault goes into, and what becomes of it. Throws where it is not exactly one. */
export function mutate(dist: string, { name, from, to }: Mutant): { readonly file: string; readonly text: string } {
  const found: { file: string; text: string }[] = [];
  for (const entry of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.js')) continue;
    const text = readFileSync(join(dist, entry), 'utf8');
    const at = text.indexOf(from);
    if (at === -1) continue;
    if (text.includes(from, at + 1)) throw new Error(`mutant '${name}': ${entry} has what it replaces more than once`);
    found.push({ file: entry, text: text.replace(from, () => to) });
  }
  const [only, ...more] = found;
  if (only === undefined || more.length > 0)
    throw new Error(`mutant '${name}': ${found.length} compiled files have what it replaces: teach it the new text`);
  return only;
}
