/**
 * Reads a trace as the specification of the Chrome trace-event format says ("Trace Event Format", its array form), and
 * refuses what that does not allow.
 */
import assert from 'node:assert/strict';
import type { TraceEvent } from '../../dist/diagnostics/index.js';

/** The events of a file. One that was cut short lacks the closing bracket, which the format allows. */
export function readTrace(text: string): TraceEvent[] {
  const whole = text.trimEnd().endsWith(']') ? text : `${text.trimEnd().replace(/,$/, '')}]`;
  const events = JSON.parse(whole) as TraceEvent[];
  assert.ok(Array.isArray(events));
  for (const event of events) checkEvent(event);
  checkNesting(events);
  return events;
}

function checkEvent(event: TraceEvent): void {
  const { ph, name, pid, tid, ts, dur, args } = event;
  const where = JSON.stringify(event);
  assert.ok(['X', 'i', 'C', 'M'].includes(ph), where);
  assert.equal(typeof name, 'string', where);
  for (const number of [pid, tid, ts]) assert.ok(Number.isInteger(number) && number >= 0, where);
  if (ph === 'X') assert.ok(Number.isInteger(dur) && (dur ?? -1) >= 0, where);
  else assert.equal(dur, undefined, where);
  if (ph === 'i') assert.equal(event.s, 't', where);
  if (ph === 'C') assert.ok(Object.values(args ?? {}).every(Number.isFinite), where);
  if (ph === 'M') assert.ok(['string', 'number'].includes(typeof Object.values(args ?? {})[0]), where);
}

/** Slices of one row lie within one another or apart: readers make nonsense of others. */
function checkNesting(events: readonly TraceEvent[]): void {
  const rows = new Map<string, TraceEvent[]>();
  for (const event of events.filter((one) => one.ph === 'X')) {
    const key = `${event.pid} ${event.tid}`;
    rows.set(key, [...(rows.get(key) ?? []), event]);
  }
  for (const [key, row] of rows) {
    const open: number[] = [];
    for (const { ts, dur = 0, name } of row.toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))) {
      while (open.length > 0 && open.at(-1)! <= ts) open.pop();
      const within = open.at(-1) ?? Infinity;
      assert.ok(ts + dur <= within, `row ${key}: ${name} from ${ts} to ${ts + dur} goes on after ${within}`);
      open.push(ts + dur);
    }
  }
}

/** The slices of a stream's row, the outer ones first, each as its name. */
export function rowOf(events: readonly TraceEvent[], pid: number, tid: number): string[] {
  return events
    .filter((one) => one.ph === 'X' && one.pid === pid && one.tid === tid)
    .toSorted((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0))
    .map((one) => one.name);
}
