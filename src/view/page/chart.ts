import type { ViewConnection } from '../model.js';
import { element, size, svg } from './dom.js';

/** The curves of a connection: name in the trace, CSS colour, and whether the area below is filled. */
const curves = [
  ['receive window', 'var(--receive)', false],
  ['send window', 'var(--send)', false],
  ['in flight', 'var(--flight)', true],
] as const;

/** Windows and bytes in flight over time, on one scale for all three. */
export function chart(connection: ViewConnection, end: number): HTMLElement | undefined {
  const shown = curves.filter(([name]) => (connection.counters[name]?.length ?? 0) > 0);
  if (shown.length === 0) return undefined;
  const most = Math.max(1, ...shown.flatMap(([name]) => (connection.counters[name] ?? []).map(([, bytes]) => bytes)));
  const drawing = svg('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  for (const [name, colour, filled] of shown) {
    const line = steps(connection.counters[name] ?? [], end, most);
    if (filled) drawing.append(svg('path', { class: 'area', d: `${line.area}Z`, style: `fill:${colour}` }));
    drawing.append(svg('path', { d: line.line, style: `stroke:${colour}` }));
  }
  const label = element('div', 'label', `windows and bytes in flight, up to ${size(most)} (square-root scale)`);
  const track = element('div', 'track');
  track.append(drawing);
  return element('div', 'lane chart', label, track);
}

/** A value holds until the next one: steps, not slopes. By the square root, or a small value beside a large one would be flat. */
function steps(
  points: readonly (readonly [number, number])[],
  end: number,
  most: number,
): { line: string; area: string } {
  const x = (at: number): string => ((at / end) * 1000).toFixed(2);
  const y = (bytes: number): string => (100 - Math.sqrt(Math.max(0, bytes) / most) * 100).toFixed(1);
  const [[at, bytes] = [0, 0], ...later] = points;
  const rest = `${later.map((point) => `H${x(point[0])}V${y(point[1])}`).join('')}H1000`;
  return { line: `M${x(at)} ${y(bytes)}${rest}`, area: `M${x(at)} 100V${y(bytes)}${rest}V100` };
}
