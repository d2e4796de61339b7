/** One event of the Chrome trace-event format, with times in microseconds. */
export interface TraceEvent {
  /** X: a slice. i: an instant. C: a counter. M: a name. */
  readonly ph: 'X' | 'i' | 'C' | 'M';
  readonly name: string;
  readonly cat?: string;
  /** The connection's number; 0 for what never had one. */
  readonly pid: number;
  /** The stream's ID; even numbers are rows of the connection itself. */
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
