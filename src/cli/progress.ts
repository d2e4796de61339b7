import { columnsOf, formatBytes, type Terminal } from './terminal.js';

const redrawEvery = 100;

/** A line that follows a download on a terminal, redrawn at most ten times a second. */
export class ProgressBar implements Progress {
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

/** What is left of a terminal's height for the lines of a view. */
const spareRows = 2;

/** The progress of transfers that run at once: a line for each that has begun and not ended, and one for all of them. */
export class ProgressView {
  private readonly terminal: Terminal;
  private readonly transfers: number;
  private readonly now: () => number;
  private readonly start: number;
  private readonly running = new Set<RunningTransfer>();
  private received = 0;
  private done = 0;
  private rows = 0;
  private drawn = Number.NEGATIVE_INFINITY;

  /** `now` counts milliseconds. */
  constructor(terminal: Terminal, transfers: number, now: () => number) {
    this.terminal = terminal;
    this.transfers = transfers;
    this.now = now;
    this.start = now();
  }

  /** A transfer has begun; `total` in bytes, where it is known. */
  begin(name: string, total: number | undefined): Progress {
    const transfer: RunningTransfer = { name, total, received: 0, start: this.now() };
    this.running.add(transfer);
    return {
      advance: (bytes) => {
        transfer.received += bytes;
        this.received += bytes;
        if (this.now() - this.drawn >= redrawEvery) this.draw();
      },
      finish: () => {
        this.running.delete(transfer);
        this.done += 1;
      },
    };
  }

  /** Takes the lines off the screen, so that something else can be written; they come back with the next change. */
  erase(): void {
    if (this.rows > 0) this.terminal.write(`\x1b[${this.rows}A\r\x1b[J`);
    this.rows = 0;
  }

  /** Shows how it ended, for good. */
  end(): void {
    this.draw();
    this.rows = 0;
  }

  private draw(): void {
    this.drawn = this.now();
    const width = columnsOf(this.terminal) - 1;
    const shown = [...this.running].slice(0, Math.max(1, (this.terminal.rows ?? 24) - spareRows));
    const lines = shown.map(({ name, total, received, start }) => {
      const room = Math.max(0, Math.min(20, width - 50));
      const label = room === 0 ? '' : `${(name.length > room ? `…${name.slice(1 - room)}` : name).padEnd(room)} `;
      return label + progressLine(received, total, this.drawn - start, width - label.length);
    });
    const rate = this.drawn > this.start ? this.received / ((this.drawn - this.start) / 1000) : 0;
    const sum = `${this.done} of ${this.transfers} done  ${formatBytes(this.received)}  ${formatBytes(Math.round(rate))}/s`;
    this.erase();
    this.terminal.write([...lines, sum.slice(0, width), ''].join('\n'));
    this.rows = lines.length + 1;
  }
}

/** What a transfer tells of itself. */
export interface Progress {
  advance(bytes: number): void;
  finish(): void;
}

interface RunningTransfer {
  readonly name: string;
  readonly total: number | undefined;
  readonly start: number;
  received: number;
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
