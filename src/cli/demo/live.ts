import { stripVTControlCharacters } from 'node:util';
import type { Transport } from '../../index.js';
import { columnsOf, formatBytes, type Palette, type Terminal } from '../terminal.js';
import type { Recorder } from './recorder.js';

const redrawEvery = 100;

/** What the live view says about the run as a whole. */
export interface Progress {
  readonly title: string;
  readonly total: number;
}

/** Redraws, on a terminal, what each connection is doing; writes nothing elsewhere. */
export class LiveView {
  private readonly terminal: Terminal;
  private readonly palette: Palette;
  private readonly transport: Transport;
  private readonly recorder: Recorder;
  private readonly progress: () => Progress;
  private readonly start = performance.now();
  /** Rows of the screen that the view takes up, lines that wrap included. */
  private rows = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    terminal: Terminal,
    palette: Palette,
    transport: Transport,
    recorder: Recorder,
    progress: () => Progress,
  ) {
    this.terminal = terminal;
    this.palette = palette;
    this.transport = transport;
    this.recorder = recorder;
    this.progress = progress;
    if (terminal.isTTY === true) this.timer = setInterval(() => this.draw(), redrawEvery);
  }

  /** Takes the view off the screen. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.erase();
  }

  private erase(): void {
    if (this.rows > 0) this.terminal.write(`\x1b[${this.rows}A\r\x1b[J`);
    this.rows = 0;
  }

  private draw(): void {
    const lines = this.text();
    this.erase();
    this.terminal.write(`${lines.join('\n')}\n`);
    const columns = columnsOf(this.terminal);
    this.rows = lines.reduce((sum, line) => sum + Math.ceil(stripVTControlCharacters(line).length / columns), 0);
  }

  private text(): string[] {
    const { palette, recorder } = this;
    const { title, total } = this.progress();
    const seconds = ((performance.now() - this.start) / 1000).toFixed(1);
    const connections = this.transport.stats().origins.flatMap((origin) => origin.connections);
    const queued = this.transport.stats().origins.reduce((sum, origin) => sum + origin.queued, 0);
    const failed = `failed ${recorder.failed}`;
    return [
      `${palette.bold(title)}  ${palette.dim(`${seconds} s`)}`,
      ...connections.map((connection) => this.connectionLine(connection)),
      `  requests: done ${recorder.done} of ${total}, ${recorder.failed > 0 ? palette.red(failed) : failed}, waiting for a connection ${queued}`,
    ];
  }

  private connectionLine(connection: ConnectionLine): string {
    const { palette } = this;
    const word = connection.state.padEnd(10);
    const colour =
      connection.state === 'stalled' ? palette.red : connection.state === 'busy' ? palette.green : palette.dim;
    const streams = `${connection.streams} ${connection.streams === 1 ? 'stream' : 'streams'}`.padEnd(11);
    const traffic = `sent ${formatBytes(connection.bytesSent).padEnd(8)} received ${formatBytes(connection.bytesReceived)}`;
    return `  #${connection.id}  ${colour(word)} ${streams} ${traffic}`;
  }
}

interface ConnectionLine {
  readonly id: number;
  readonly state: string;
  readonly streams: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}
