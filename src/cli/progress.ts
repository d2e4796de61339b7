import { columnsOf, formatBytes, type Terminal } from './terminal.js';

const redrawEvery = 100;

/** A line that follows a download on a terminal, redrawn at most ten times a second. */
export class ProgressBar {
  private readonly terminal: Terminal;
  private readonly total: number | undefined;
  private readonly now: () => number;
  private readonly start: number;
  private received = 0;
  private drawn = Number.NEGATIVE_INFINITY;

  /** `total` in bytes, where it is known. `now` counts milliseconds. */
  constructor(terminal: Terminal, total: number | undefined, now: () => number) {
    this.terminal = terminal;
    this.total = total;
    this.now = now;
    this.start = now();
  }

  advance(bytes: number): void {
    this.received += bytes;
    const time = this.now();
    if (time - this.drawn < redrawEvery) return;
    this.drawn = time;
    this.draw(time);
  }

  /** Draws the last state and leaves the line. */
  finish(): void {
    this.draw(this.now());
    this.terminal.write('\n');
  }

  private draw(time: number): void {
    const line = progressLine(this.received, this.total, time - this.start, columnsOf(this.terminal) - 1);
    this.terminal.write(`\r\x1b[K${line}`);
  }
}

/** The text of a progress line, at most `width` characters. `elapsed` in milliseconds. */
export function progressLine(received: number, total: number | undefined, elapsed: number, width: number): string {
  const rate = elapsed > 0 ? received / (elapsed / 1000) : 0;
  const speed = `${formatBytes(Math.round(rate))}/s`;
  if (total === undefined) return `${formatBytes(received)}  ${speed}`.slice(0, width);
  const part = total === 0 ? 1 : Math.min(1, received / total);
  const left = part < 1 && rate > 0 ? `  ${clock((total - received) / rate)} left` : '';
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const figures = `${percent}  ${formatBytes(received)} of ${formatBytes(total)}  ${speed}${left}`;
  const room = Math.min(40, width - figures.length - 3);
  if (room < 5) return figures.slice(0, width);
  const filled = Math.floor(part * room);
  return `[${'#'.repeat(filled)}${' '.repeat(room - filled)}] ${figures}`;
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const minutes = Math.floor(whole / 60);
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}
