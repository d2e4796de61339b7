// What reading a small JSON body costs without any client: JSON.parse of the same text.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { startMeter } from './measure.mjs';

export async function run(job) {
  const text = readFileSync(job.json, 'utf8');
  let kept;
  const parse = (duration) => {
    let made = 0;
    for (const end = performance.now() + duration; performance.now() < end; made += 100)
      for (let i = 0; i < 100; i++) kept = JSON.parse(text);
    return made;
  };
  parse(job.warmUp);
  const meter = startMeter();
  const measured = meter.stop(parse(job.duration));
  if (kept === undefined) throw new Error('nothing was parsed');
  return measured;
}
