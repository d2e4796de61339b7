import type { ViewModel } from '../model.js';
import { addressPanel } from './addresses.js';
import { hideTip, showDetail, showTip } from './detail.js';
import { byId, duration, element, place } from './dom.js';
import { isFailed, section, type DrawnRow } from './waterfall.js';

const model = JSON.parse(byId('data').textContent ?? '') as ViewModel;
const drawn: DrawnRow[] = [];
let zoom = 1;
let tall = false;

const legend: readonly (readonly [name: string, colour: string, curve?: boolean])[] = [
  ['queue', '--queue'],
  ['dial', '--dial'],
  ['send', '--send'],
  ['window wait', '--window'],
  ['wait', '--wait'],
  ['body', '--body'],
  ['failed', '--bad'],
  ['stalled', '--stallline'],
  ['silent', '--silence'],
  ['slow', '--slow'],
  ['send window', '--send', true],
  ['receive window', '--receive', true],
  ['in flight', '--flight', true],
];

/** Where there are addresses. */
const addressLegend: typeof legend = [
  ['address in use', '--body'],
  ['failed or ejected', '--bad'],
  ['slow start', '--wait'],
  ['draining', '--queue'],
];

function draw(): void {
  const origins = new Set(model.addresses.map(({ origin }) => origin));
  for (const name of origins) {
    const here = model.addresses.filter(({ origin }) => origin === name);
    byId('content').append(addressPanel(here, model.end));
  }
  for (const connection of model.connections) byId('content').append(section(connection, model.end, drawn));
  for (const [name, colour, curve] of [...legend, ...(origins.size > 0 ? addressLegend : [])]) {
    const sample = element('i', curve === true ? 'curve' : '');
    sample.style.background = `var(${colour})`;
    byId('legend').append(element('span', '', sample, name));
  }
  const failed = drawn.filter(({ row }) => isFailed(row)).length;
  const count = element('b', '', String(drawn.length));
  const bad = element('span', failed > 0 ? 'bad' : '', `${failed} failed`);
  const open = model.connections.filter(({ id }) => id > 0).length;
  byId('summary').append(
    count,
    ` ${drawn.length === 1 ? 'request' : 'requests'}, `,
    bad,
    `, ${open} ${open === 1 ? 'connection' : 'connections'}, ${duration(model.end)}`,
  );
  layout();
}

/** Rows as high as lets all of them be seen at once, if that is to be had, or tall ones. */
function layout(): void {
  const shown = drawn.filter(({ node }) => !node.classList.contains('hidden')).length;
  const room = byId('scroll').clientHeight - model.connections.length * 130 - model.addresses.length * 16 - 40;
  const height = tall ? 18 : Math.max(1, Math.min(18, Math.floor((room / Math.max(1, shown)) * 4) / 4));
  const content = byId('content');
  content.style.setProperty('--row', `${height}px`);
  content.classList.toggle('dense', height < 11);
  byId('rows').setAttribute('aria-pressed', String(tall));
}

function setZoom(next: number): void {
  const scroll = byId('scroll');
  const label = byId('axis').offsetLeft;
  const middle = (scroll.clientWidth - label) / 2;
  const at = (scroll.scrollLeft + middle) / zoom;
  zoom = Math.max(1, Math.min(512, next));
  byId('content').style.setProperty('--zoom', String(zoom));
  scroll.scrollLeft = at * zoom - middle;
  axis();
}

/** Marks at round times, about every hundred pixels. */
function axis(): void {
  const wanted = (model.end / byId('axis').clientWidth) * 110;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= wanted) ?? wanted;
  const marks: HTMLElement[] = [];
  for (let i = 0; i * step < model.end && i < 4_000; i += 1)
    marks.push(place(element('span', '', duration(i * step)), i * step, i * step, model.end));
  for (const mark of marks) mark.style.width = '';
  byId('axis').replaceChildren(...marks);
}

function select(index: number): void {
  const next = drawn[index];
  if (next === undefined) return;
  for (const { node } of drawn) {
    node.tabIndex = -1;
    node.setAttribute('aria-selected', 'false');
  }
  next.node.tabIndex = 0;
  next.node.setAttribute('aria-selected', 'true');
  next.node.focus({ preventScroll: true });
  next.node.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  showDetail(next);
}

/** The next row that the filter leaves, from `index` on in the direction of `step`. */
function nextShown(index: number, step: 1 | -1): number {
  let at = index + step;
  while (drawn[at]?.node.classList.contains('hidden') === true) at += step;
  return drawn[at] === undefined ? index : at;
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === byId('filter')) return;
  const index = drawn.findIndex(({ node }) => node === document.activeElement);
  const actions: Readonly<Record<string, () => void>> = {
    '+': () => setZoom(zoom * 2),
    '=': () => setZoom(zoom * 2),
    '-': () => setZoom(zoom / 2),
    '0': () => setZoom(1),
    '/': () => byId('filter').focus(),
    ...(index < 0
      ? {}
      : {
          ArrowDown: () => select(nextShown(index, 1)),
          ArrowUp: () => select(nextShown(index, -1)),
          Home: () => select(nextShown(-1, 1)),
          End: () => select(nextShown(drawn.length, -1)),
          Enter: () => select(index),
          Escape: () => byId('detail').replaceChildren(),
        }),
  };
  const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
  if (action === undefined) return;
  event.preventDefault();
  action();
}

function filter(text: string): void {
  const wanted = text.trim().toLowerCase();
  for (const { row, node } of drawn) {
    const hay = `${row.title} ${row.result} ${isFailed(row) ? 'failed' : ''}`.toLowerCase();
    node.classList.toggle('hidden', wanted !== '' && !hay.includes(wanted));
  }
  layout();
}

function toggleTheme(): void {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = root.dataset['theme'] ?? (dark ? 'dark' : 'light');
  root.dataset['theme'] = now === 'dark' ? 'light' : 'dark';
}

draw();
axis();
for (const [index, one] of drawn.entries()) {
  one.node.addEventListener('click', () => select(index));
  one.node.addEventListener('mousemove', (event) => showTip(one, event, model.end));
  one.node.addEventListener('mouseleave', hideTip);
}
const [first] = drawn;
if (first !== undefined) first.node.tabIndex = 0;
document.addEventListener('keydown', onKey);
addEventListener('resize', () => {
  layout();
  axis();
});
byId('in').addEventListener('click', () => setZoom(zoom * 2));
byId('out').addEventListener('click', () => setZoom(zoom / 2));
byId('fit').addEventListener('click', () => setZoom(1));
byId('theme').addEventListener('click', toggleTheme);
byId('rows').addEventListener('click', () => {
  tall = !tall;
  layout();
});
byId('filter').addEventListener('input', (event) => filter((event.target as HTMLInputElement).value));
