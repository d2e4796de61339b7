import type { ViewConnection, ViewPhase, ViewRow } from '../model.js';
import { chart } from './chart.js';
import { duration, element, place, size, svg } from './dom.js';

/** Phases of a request by the class of their bars; those of a dial all look alike. */
const classes: Readonly<Record<string, string>> = {
  queue: 'queue',
  dial: 'dial-phase',
  send: 'send',
  wait: 'wait',
  body: 'body',
  'window wait': 'window',
};

export interface DrawnRow {
  readonly row: ViewRow;
  readonly connection: ViewConnection;
  readonly node: HTMLElement;
}

export function isFailed({ result }: ViewRow): boolean {
  return !/^\d*$/.test(result);
}

/** One connection: heading, shades, windows, dial, and a row for each request. */
export function section(connection: ViewConnection, end: number, drawn: DrawnRow[]): HTMLElement {
  const made = element('section', 'connection');
  made.append(heading(connection), shades(connection, end));
  const lane = chart(connection, end);
  if (lane !== undefined) made.append(lane);
  if (connection.dial.length > 0) made.append(dialLane(connection.dial, end));
  const many = connection.rows.length > 40;
  const hint = element(
    'div',
    'hint',
    `${connection.rows.length} requests, a line each: point at one, or choose tall rows`,
  );
  hint.setAttribute('aria-hidden', 'true');
  const list = element('div', many ? 'list many' : 'list', ...(many ? [hint] : []));
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', `Requests of ${connection.name}`);
  for (const row of connection.rows) {
    const node = requestLane(row, end);
    list.append(node);
    drawn.push({ row, connection, node });
  }
  made.append(list);
  return made;
}

function heading({ name, rows, stalls, frames }: ViewConnection): HTMLElement {
  const streams = rows.length === 1 ? '1 request' : `${rows.length} requests`;
  const carried = [...frames, ...rows.flatMap((row) => row.frames)];
  const bytes = (sent: boolean): string =>
    size(carried.reduce((sum, one) => sum + (one.sent === sent ? one.length : 0), 0));
  const made = element(
    'h2',
    '',
    name,
    element('small', '', `${streams}, ${bytes(true)} sent, ${bytes(false)} received`),
  );
  const stalled = stalls.reduce((sum, [from, to]) => sum + to - from, 0);
  if (stalls.length > 0) made.append(element('small', 'bad', `stalled for ${duration(stalled)}`));
  return made;
}

function shades({ stalls, silences, slows }: ViewConnection, end: number): HTMLElement {
  const made = element('div', 'shades');
  for (const [from, to] of stalls)
    made.append(place(element('div', 'stall', element('span', '', `stalled ${duration(to - from)}`)), from, to, end));
  for (const [from, to] of silences)
    made.append(place(element('div', 'silence', element('span', '', `silent ${duration(to - from)}`)), from, to, end));
  for (const [from, to] of slows)
    made.append(place(element('div', 'slow', element('span', '', `slow ${duration(to - from)}`)), from, to, end));
  return made;
}

function dialLane(phases: readonly ViewPhase[], end: number): HTMLElement {
  const track = element('div', 'track');
  for (const { name, from, to } of phases) {
    const bar = place(element('div', 'bar dial-phase'), from, to, end);
    bar.title = `${name} ${duration(to - from)}`;
    if (name !== 'dial') bar.style.opacity = '.55';
    track.append(bar);
  }
  const words = phases
    .filter(({ name }) => name !== 'dial')
    .map(({ name, from, to }) => `${name} ${duration(to - from)}`);
  const label = element('div', 'label', words.length > 0 ? words.join(', ') : 'dial');
  label.title = words.join(', ');
  return element('div', 'lane dial', label, track);
}

function requestLane(row: ViewRow, end: number): HTMLElement {
  const track = element('div', 'track');
  track.append(place(element('div', 'bar whole'), row.from, row.to, end));
  for (const { name, from, to } of row.phases)
    track.append(place(element('div', `bar ${classes[name] ?? 'queue'}`), from, to, end));
  const ticks = row.frames
    .map(({ at, sent }) => `M${((at / end) * 1000).toFixed(2)} ${sent ? '0V45' : '55V100'}`)
    .join('');
  if (ticks !== '') {
    const drawing = svg('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    drawing.append(svg('path', { d: ticks }));
    track.append(drawing);
  }
  const text = `${row.title} ${row.result}`.trim();
  const made = element('div', `lane row${isFailed(row) ? ' failed' : ''}`, element('div', 'label', text), track);
  made.tabIndex = -1;
  made.setAttribute('role', 'option');
  made.setAttribute('aria-selected', 'false');
  made.setAttribute('aria-label', `${text}, ${duration(row.to - row.from)}`);
  return made;
}
