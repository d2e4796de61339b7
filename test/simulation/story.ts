import { TraceWriter } from '../../dist/diagnostics/index.js';
import { run } from './run.js';
import { endsAt, type Plan } from './plan.js';

/** Lines of a story that are printed: the first, which set the scene, and those that lead up to what was broken. */
const opening = 15;
const leading = 60;

export interface Story {
  readonly lines: readonly string[];
  /** What `passinglane view` shows. */
  readonly trace: string;
}

/** Who sent what when, and what the client believed: the run again, told. */
export async function tellStory(plan: Plan, allLines = false): Promise<Story> {
  const lines: string[] = [];
  const trace: string[] = [];
  const writer = new TraceWriter({ write: (text) => trace.push(text) });
  await run(plan, {
    tell: (time, who, what) => lines.push(`${(time / 1_000).toFixed(4).padStart(9)} s  ${who}: ${what}`),
    observer: writer,
    allLines,
  });
  writer.close();
  return { lines, trace: trace.join('') };
}

/** The scene: what was drawn, as far as it is out of the ordinary. */
export function scene({ options, origins, buffers, requests, faults, mostRead }: Plan): string[] {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return [
    `options: ${given.length === 0 ? 'all default' : JSON.stringify(Object.fromEntries(given))}`,
    ...origins.map((origin) => `origin: ${JSON.stringify(origin)}`),
    `kernel's buffers: ${buffers.send} and ${buffers.receive} bytes${mostRead > 0 ? `; reads of ${mostRead} bytes at most` : ''}`,
    `${requests.length} requests, ${faults.length} faults in ${endsAt / 60_000} minutes`,
  ];
}

/** What a terminal can hold of it. */
export function excerpt(lines: readonly string[]): readonly string[] {
  const broken = lines.findIndex((line) => line.includes('ORACLE'));
  const end = broken === -1 ? lines.length : broken + 1;
  if (end <= opening + leading) return lines.slice(0, end);
  const left = end - opening - leading;
  return [...lines.slice(0, opening), `           ... ${left} lines ...`, ...lines.slice(end - leading, end)];
}
