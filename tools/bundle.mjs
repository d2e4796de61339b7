// Makes lib/, what the package ships, of dist/: each entry point as one file, what they share in others. An import that
// reads 100 small modules costs three times what one of a few larger does. dist/ stays what the compiler made of each
// source: tests reach into it, and its declarations are the package's.
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, engines, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const published = [...Object.values(bin), ...Object.values(exports).flatMap((entry) => entry.default ?? [])];
const entryPoints = published.map((file) => file.replace(/^\.\/lib\//, `${root}dist/`));

rmSync(`${root}lib`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints,
  outdir: 'lib',
  outbase: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  target: `node${/\d+\.\d+/.exec(engines.node)[0]}`,
  legalComments: 'none',
  logLevel: 'warning',
});
// The scripts of the page that `view` makes are read as text, beside the module that makes it.
cpSync(`${root}dist/view/page`, `${root}lib/page`, {
  recursive: true,
  filter: (file) => !/\.(d\.ts|map|tsbuildinfo)$/.test(file),
});
