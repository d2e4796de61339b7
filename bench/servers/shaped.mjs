import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/**
 * Passes on what one end of a connection sends, each piece `delay` milliseconds late and `rate` bytes a millisecond at most. Beyond
 * `queue` bytes the sender has to wait, as one does before a full router. `link`: what has that rate, where connections share
 * it. Returns that; its rate may be changed.
 */
export function shaped(from, to, { delay, rate, queue = 262_144 }, link = { free: 0, rate }) {
  const pieces = [];
  let held = 0;
  let timer;
  const deliver = () => {
    timer = undefined;
    const now = performance.now();
    while (pieces.length > 0 && pieces[0].at <= now) {
      const { bytes } = pieces.shift();
      held -= bytes.length;
      to.write(bytes);
    }
    if (held < queue && from.isPaused()) from.resume();
    if (pieces.length > 0) timer = setTimeout(deliver, Math.max(1, pieces[0].at - now));
  };
  from.on('data', (bytes) => {
    const now = performance.now();
    link.free = Math.max(link.free, now) + bytes.length / link.rate;
    pieces.push({ bytes, at: link.free + delay });
    held += bytes.length;
    if (held >= queue) from.pause();
    timer ??= setTimeout(deliver, Math.max(1, pieces[0].at - now));
  });
  from.on('close', () => clearTimeout(timer));
  return link;
}
