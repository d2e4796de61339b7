import type { ViewAddress } from '../addresses.js';
import { duration, element, place } from './dom.js';

/** Bars of what speaks against an address, by class. */
const stateClasses: Readonly<Record<ViewAddress['states'][number]['name'], string>> = {
  failed: 'against',
  ejected: 'against',
  'slow start': 'slowly',
  draining: 'leaving',
};

/** The addresses of one name, a lane each: when it was in use, and what spoke against it. */
export function addressPanel(addresses: readonly ViewAddress[], end: number): HTMLElement {
  const [first] = addresses;
  const count = element('small', '', `${addresses.length} ${addresses.length === 1 ? 'address' : 'addresses'}`);
  const made = element('section', 'connection addresses', element('h2', '', first?.origin ?? '', count));
  for (const one of addresses) made.append(addressLane(one, end));
  return made;
}

function addressLane({ address, requests, used, states }: ViewAddress, end: number): HTMLElement {
  const track = element('div', 'track');
  for (const [from, to] of used) {
    const bar = place(element('div', 'bar used'), from, to, end);
    bar.title = `in use for ${duration(to - from)}`;
    track.append(bar);
  }
  const words = [`${address}: ${requests} ${requests === 1 ? 'request' : 'requests'}`];
  for (const { name, from, to, detail } of states) {
    const text = `${name} for ${duration(to - from)}${detail === '' ? '' : ` (${detail})`}`;
    const bar = place(element('div', `bar ${stateClasses[name]}`), from, to, end);
    bar.title = text;
    track.append(bar);
    words.push(text);
  }
  const label = element('div', 'label', words.join(', '));
  label.title = words.join(', ');
  return element('div', 'lane address', label, track);
}
