import type { ViewFrame } from '../model.js';
import { byId, duration, element, size } from './dom.js';
import type { DrawnRow } from './waterfall.js';

/** So many frames are listed; the table says when there are more. */
const listed = 500;

/** Shows everything about one request in the panel at the foot. */
export function showDetail({ row, connection }: DrawnRow): void {
  const again = row.attempt > 1 ? `, attempt ${row.attempt}` : '';
  const where = connection.id === 0 ? 'on no connection' : `connection ${connection.id}, stream ${row.stream}${again}`;
  const phases = element('p');
  phases.append(
    `${where}: ${row.result === '' ? 'no result' : row.result} after `,
    element('b', '', duration(row.to - row.from)),
  );
  for (const { name, from, to } of row.phases) phases.append(`, ${name} `, element('b', '', duration(to - from)));
  const waited = element('p', '', row.waited.length === 0 ? '' : 'It waited for: ');
  for (const [i, [name, time]] of row.waited.entries())
    waited.append(`${i === 0 ? '' : ', '}${name} `, element('b', '', duration(time)));
  byId('detail').replaceChildren(
    element('h3', '', `${row.title.split(' ')[0] ?? ''} ${row.url}`),
    phases,
    waited,
    frameTable(row.frames, row.from),
  );
}

function frameTable(frames: readonly ViewFrame[], start: number): HTMLElement {
  const table = element('table');
  const head = element('tr', '', ...['at', '', 'frame', 'length', ''].map((name) => element('th', '', name)));
  table.append(head);
  for (const { at, sent, name, length, detail } of frames.slice(0, listed)) {
    const cells = [`+${duration(at - start)}`, sent ? 'sent' : 'received', name, size(length)];
    table.append(
      element('tr', '', ...cells.map((cell) => element('td', '', cell)), element('td', '', element('pre', '', detail))),
    );
  }
  if (frames.length > listed) table.append(element('tr', '', element('td', '', `and ${frames.length - listed} more`)));
  return table;
}

/** What the pointer is on: the request, and the frames near to it. */
export function showTip({ row }: DrawnRow, event: MouseEvent, end: number): void {
  const tip = byId('tip');
  const track = (event.currentTarget as HTMLElement).querySelector('.track')?.getBoundingClientRect();
  const width = track?.width ?? 1;
  const at = ((event.clientX - (track?.left ?? 0)) / width) * end;
  const reach = (6 / width) * end;
  const phase = row.phases.findLast(({ from, to }) => at >= from && at <= to);
  const near = row.frames.filter((frame) => Math.abs(frame.at - at) <= reach).slice(0, 6);
  const words = `${duration(row.to - row.from)}${phase === undefined ? '' : `, here ${phase.name} ${duration(phase.to - phase.from)}`}`;
  tip.replaceChildren(element('b', '', `${row.title} ${row.result}`), words);
  for (const { sent, name, length, detail } of near)
    tip.append(element('pre', '', `${sent ? '>' : '<'} ${name} ${size(length)}${detail === '' ? '' : `\n${detail}`}`));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 8))}px`;
  tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? Math.max(4, event.clientY - box.height - 12) : event.clientY + 18}px`;
}

export function hideTip(): void {
  byId('tip').hidden = true;
}
