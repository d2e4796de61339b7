// Draws the stream states in docs/guides/how-it-works.md from the table that decides them. `npm run docs:states` writes
// the diagram; with --check a stale one is a failure.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inputs, states, transitions } from '../../dist/protocol/stream-state.js';

const path = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'docs', 'guides', 'how-it-works.md');

function diagram() {
  const labels = new Map(); // 'from to' -> inputs
  for (const { from, input, to } of transitions()) {
    if (from === to) continue;
    const key = `${from} ${to}`;
    labels.set(key, [...(labels.get(key) ?? []), inputs[input]]);
  }
  const lines = [
    '```mermaid',
    'stateDiagram-v2',
    ...states.map((name, index) => `  s${index}: ${name}`),
    '  [*] --> s0',
  ];
  for (const [key, names] of labels) {
    const [from, to] = key.split(' ');
    lines.push(`  s${from} --> s${to}: ${names.join(', ')}`);
  }
  return [...lines, '```'].join('\n');
}

const text = readFileSync(path, 'utf8');
const marks = /(<!-- states: begin -->\n)[\s\S]*?(<!-- states: end -->)/;
const fresh = text.replace(marks, (_whole, begin, end) => `${begin}\n${diagram()}\n\n${end}`);
if (!marks.test(text)) throw new Error('docs/guides/how-it-works.md has lost the marks of its diagram');
if (process.argv.includes('--check')) {
  if (fresh !== text) {
    console.error('docs/guides/how-it-works.md: the diagram of the states is stale: run npm run docs:states');
    process.exitCode = 1;
  }
} else writeFileSync(path, fresh);
