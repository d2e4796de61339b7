export { palette, printable, type Paint, type Palette } from '../diagnostics/index.js';

/** What a stream that output goes to can show. */
export interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The width of a terminal; 80 where it does not say. */
export function columnsOf({ columns }: Terminal): number {
  return columns !== undefined && columns > 0 ? columns : 80;
}

/** Colour goes to terminals only, and to none where NO_COLOR is set (no-color.org) or TERM is 'dumb'. */
export function wantsColour(terminal: Terminal, env: NodeJS.ProcessEnv): boolean {
  return terminal.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** A number of bytes with three figures and a decimal unit: '0 B', '4.10 kB', '65.5 kB', '24.0 MB'. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : threeFigures(value)} ${units[unit]}`;
}

/** A span of time with three figures: '0.42 ms', '18.0 ms', '5.21 s'. */
export function formatDuration(milliseconds: number): string {
  return milliseconds < 999.5 ? `${threeFigures(milliseconds)} ms` : `${threeFigures(milliseconds / 1000)} s`;
}

function threeFigures(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
