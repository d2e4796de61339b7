import { formatDuration } from '../terminal.js';

/** Nearest-rank percentile of ascending numbers: the smallest that at least `percent` of them do not exceed. */
export function percentile(ascending: readonly number[], percent: number): number | undefined {
  const rank = Math.ceil((percent / 100) * ascending.length);
  return ascending[Math.max(0, rank - 1)];
}

/** One line of the table: requests that belong together. */
export interface Group {
  readonly name: string;
  /** Milliseconds, of those that succeeded, in any order. */
  readonly latencies: readonly number[];
  readonly failed: number;
}

const heads = ['requests', 'failed', 'p50', 'p90', 'p99', 'max'] as const;

/** The table of groups with a line for their total, each line ending in '\n'. */
export function latencyTable(groups: readonly Group[]): string {
  const total = {
    name: 'total',
    latencies: groups.flatMap((group) => group.latencies),
    failed: groups.reduce((sum, group) => sum + group.failed, 0),
  };
  const rows = [['', ...heads], ...groups.map(cells), cells(total)];
  const widths = ['', ...heads].map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, i) => pad(cell, widths[i] ?? 0, i === 0)).join('  ')}\n`).join('');
}

function cells(group: Group): string[] {
  const ascending = group.latencies.toSorted((a, b) => a - b);
  const at = (percent: number): string => {
    const value = percentile(ascending, percent);
    return value === undefined ? '-' : formatDuration(value);
  };
  const requests = group.latencies.length + group.failed;
  return [group.name, String(requests), String(group.failed), at(50), at(90), at(99), at(100)];
}

function pad(text: string, width: number, left: boolean): string {
  return left ? text.padEnd(width) : text.padStart(width);
}
