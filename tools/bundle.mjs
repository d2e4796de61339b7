// Makes lib/, what the package ships, of dist/: each entry point as one file, what they share in others. An import that
// reads 100 small modules costs three times what one of a few larger does. Each of them stands there once more as
// CommonJS, for tools that cannot require() an ES module. dist/ stays what the compiler made of each source: tests reach
// into it, and its declarations are the package's.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { writeCommonJsTypes } from './commonjs-types.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { bin, engines, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const importable = Object.values(exports).flatMap((entry) => entry.import?.default.replace(/^\.\//, '') ?? []);
const commands = Object.values(bin).map((file) => file.replace(/^\.\//, ''));
/** What examples/ take of it, which ship beside lib/. */
const shown = ['lib/cli/certificate.js'];
const entryPoints = [...commands, ...importable, ...shown].map((file) => file.replace(/^lib\//, `${root}dist/`));
const target = `node${/\d+\.\d+/.exec(engines.node)[0]}`;

rmSync(`${root}lib`, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints,
  outdir: 'lib',
  outbase: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  target,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});

// A class that names itself in its own body becomes `var Name = class _Name`, and errors and console.log show that.
for (const file of Object.keys(metafile.outputs)) {
  const code = readFileSync(join(root, file), 'utf8');
  const renamed = [...code.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  if (renamed.length === 0) continue;
  writeFileSync(join(root, file), code.replace(new RegExp(`\\b_(${renamed.join('|')})\\b`, 'g'), '$1'));
}

/** These files of lib/ and all of its that they load. */
function withLoaded(files) {
  const found = new Set(files);
  for (const file of found)
    for (const { path, external } of metafile.outputs[file].imports) if (external !== true) found.add(path);
  return [...found];
}

await Promise.all(
  withLoaded(importable).map(async (file) => {
    const { code } = await transform(readFileSync(join(root, file), 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target,
      // Jest runs CommonJS in contexts that know no import().
      supported: { 'dynamic-import': false },
    });
    const required = code.replaceAll(/require\("(\.[^"]+)\.js"\)/g, 'require("$1.cjs")');
    writeFileSync(join(root, file.replace(/\.js$/, '.cjs')), required);
  }),
);
writeCommonJsTypes(importable.map((file) => join(root, 'dist', dirname(file.replace(/^lib\//, '')), 'index.d.ts')));

// The scripts of the page that `view` makes are read as text, beside the module that makes it.
cpSync(`${root}dist/view/page`, `${root}lib/page`, {
  recursive: true,
  filter: (file) => !/\.(d\.ts|map|tsbuildinfo)$/.test(file),
});
