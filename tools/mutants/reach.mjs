// Where each test file goes in the modules that are changed, by V8's own coverage of a run without a mutant: a mutant
// elsewhere is none that the file can find.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Runs a test file by itself, in the copy; false where it fails, or does not end within the time in milliseconds. */
export function passes(copy, file, timeout, env = process.env) {
  const { status } = spawnSync(process.execPath, [file], { cwd: copy, timeout, stdio: 'ignore', env });
  return status === 0;
}

/** What a test file takes, in milliseconds, and where it goes. Undefined: it fails without a mutant. */
export function reachOf(copy, file, modules) {
  const folder = mkdtempSync(join(tmpdir(), 'passinglane-reach-'));
  try {
    const begun = Date.now();
    if (!passes(copy, file, 300_000, { ...process.env, NODE_V8_COVERAGE: folder })) return undefined;
    return { file, time: Date.now() - begun, ranges: rangesIn(folder, copy, modules) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of each module, for each process that loaded it, what ran and how often. */
function rangesIn(folder, copy, modules) {
  const ranges = new Map();
  const names = new Map(modules.map((module) => [pathToFileURL(join(copy, module)).href, module]));
  for (const name of readdirSync(folder)) {
    for (const { url, functions } of JSON.parse(readFileSync(join(folder, name), 'utf8')).result) {
      const module = names.get(url);
      if (module === undefined) continue;
      const loads = ranges.get(module) ?? [];
      ranges.set(module, [...loads, functions.flatMap((one) => one.ranges)]);
    }
  }
  return ranges;
}

/** Whether a file enters the place: the innermost range that it is in counts. */
export function enters({ ranges }, module, offset) {
  return (ranges.get(module) ?? []).some((load) => {
    const around = load.filter(({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset);
    const size = ({ startOffset, endOffset }) => endOffset - startOffset;
    const inner = around.reduce(
      (least, one) => (least === undefined || size(one) <= size(least) ? one : least),
      undefined,
    );
    return inner !== undefined && inner.count > 0;
  });
}
