// A part of what afterwards.mjs reports: the ten slowest of them and the ten files whose tests take longest.
import { relative } from 'node:path';

const shown = 10;

export default async function* slowest(events) {
  const tests = [];
  const files = new Map();
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, nesting, details, file } = data;
    const path = file === undefined ? '' : relative(process.cwd(), file);
    // Older Nodes report a file without a test of its own as a test by its path.
    if (nesting > 0 || name === path || name === file) continue;
    tests.push([details.duration_ms, `${path}: ${name}`]);
    files.set(path, (files.get(path) ?? 0) + details.duration_ms);
  }
  const times = [...files].map(([path, time]) => [time, path]);
  // In one piece, or what another reporter says comes in between.
  yield list('slowest tests', tests) + list('slowest files, by the time of their tests', times);
}

function list(title, entries) {
  const first = entries.sort(([a], [b]) => b - a).slice(0, shown);
  return `${title}:\n${first.map(([time, what]) => `  ${(time / 1_000).toFixed(1).padStart(6)} s  ${what}\n`).join('')}`;
}
