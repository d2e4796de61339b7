/** An element with a class, text and children; text is never taken as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

export function svg(tag: 'svg' | 'path', attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** An element that the page has from the start. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page lacks #${id}`);
  return found;
}

/** Places an element on a track, by time. */
export function place(made: HTMLElement, from: number, to: number, end: number): HTMLElement {
  made.style.left = `${((from / end) * 100).toFixed(4)}%`;
  made.style.width = `${((Math.max(0, to - from) / end) * 100).toFixed(4)}%`;
  return made;
}

export function duration(milliseconds: number): string {
  if (milliseconds === 0) return '0';
  if (milliseconds >= 999.5) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds >= 99.5 ? milliseconds.toFixed(0) : milliseconds.toFixed(milliseconds >= 9.95 ? 1 : 2)} ms`;
}

export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value >= 100 ? 0 : 1)} ${units[unit] ?? ''}`;
}
