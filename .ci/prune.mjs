// Removes compiled output whose source is gone: `tsc -b` never deletes, so a removed test would keep running and a
// removed module would keep shipping. The API pages, build/api and build/site, are none of its.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outputs = [
  { out: 'dist', source: 'src' },
  { out: 'build', source: 'test' },
];

for (const { out, source } of outputs) {
  const outDir = join(root, out);
  if (!existsSync(outDir)) continue;
  for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const module = /^(.*?)(?:\.d\.ts|\.js)$/.exec(relative(outDir, file))?.[1];
    if (module === undefined || /^(api|site)\b/.test(module) || existsSync(join(root, source, `${module}.ts`)))
      continue;
    rmSync(file);
    console.error(`removed ${relative(root, file)}: it has no source any more`);
  }
}
