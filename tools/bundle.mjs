// Makes lib/, what the package ships, of dist/: each entry point as one file, what they share in others. An import that
// reads 100 small modules costs three times what one of a few larger does, and each file half a millisecond. Each of them
// stands there once more as CommonJS, for tools that cannot require() an ES module. dist/ stays what the compiler made of
// each source: tests reach into it, and its declarations are the package's.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = `${root}build/bundle.sha256`;

/** Of what lib/ is made of and by, and of what is made. */
function digest() {
  const hash = createHash('sha256');
  const made = ['dist', 'lib'].flatMap((folder) =>
    existsSync(root + folder)
      ? readdirSync(root + folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && !entry.name.endsWith('.tsbuildinfo'))
          .map(({ parentPath, name }) => join(parentPath, name))
          .sort()
      : [],
  );
  const makers = ['package.json', 'tools/bundle.mjs', 'tools/commonjs-types.mjs', 'node_modules/.package-lock.json'];
  for (const file of [...makers.map((name) => root + name), ...made]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

// Most commands build first, and nearly always there is nothing to do. Two of them may run at the same time then.
if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest()) process.exit();

const { build, transform } = await import('esbuild');
const { writeCommonJsTypes } = await import('./commonjs-types.mjs');
const { bin, engines, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const importable = Object.values(exports).flatMap((entry) => entry.import?.default.replace(/^\.\//, '') ?? []);
const commands = Object.values(bin).map((file) => file.replace(/^\.\//, ''));
/** What examples/ take of it, which ship beside lib/. */
const shown = ['lib/cli/certificate.js'];
const entryPoints = [...commands, ...importable, ...shown].map((file) => file.replace(/^lib\//, `${root}dist/`));
const target = `node${/\d+\.\d+/.exec(engines.node)[0]}`;

/** All of the client is one file, and all of the protocol one beside it: whoever uses a part of one of them loads it all. */
const wholes = [
  { of: /dist\/(?:connect|undici|http|otel|register|testing)\/index\.js$/, whole: 'index.js' },
  { of: /dist\/cli\/(?:get|ping|bench\/bench|doctor\/doctor|demo\/demo)\.js$/, whole: 'index.js' },
  { of: /dist\/index\.js$/, whole: 'protocol/index.js' },
  { of: /dist\/hpack\/index\.js$/, whole: 'protocol/index.js' },
];

const oneFileForAll = {
  name: 'one file for all of it',
  setup(build) {
    build.onResolve({ filter: /^whole:/ }, ({ path }) => ({
      path: `${root}dist/${path.slice('whole:'.length)}`,
    }));
    for (const { of, whole } of wholes)
      build.onLoad({ filter: of }, ({ path }) => ({
        contents: `import 'whole:${whole}';${readFileSync(path, 'utf8')}`,
        loader: 'js',
      }));
    // What the command needs before it knows whether it will load the client. Errors of all copies know one another.
    build.onResolve({ filter: /\/(?:version|errors)\.js$/ }, ({ path, importer, resolveDir }) =>
      /\/cli\/(?:main|exit-codes|certificate)\.js$/.test(importer)
        ? { path: join(resolveDir, path), suffix: '?command' }
        : undefined,
    );
  },
};

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
  logOverride: { 'ignored-bare-import': 'silent' }, // it makes files one, and that is what it is for
  metafile: true,
  plugins: [oneFileForAll],
});

/** A class that names itself in its own body becomes `var Name = class _Name`, and errors and console.log show that. */
function withNames(code) {
  const renamed = [...code.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return renamed.length === 0 ? code : code.replace(new RegExp(`\\b_(${renamed.join('|')})\\b`, 'g'), '$1');
}

/** To import a module of Node's costs more than to get it, for all that it exports is looked at then. */
function withBuiltins(code) {
  const got = (name) => `process.getBuiltinModule("${name}");`;
  return code
    .replace(
      /import\s*\{([^}]+)\}\s*from\s*"(node:\w+)";/g,
      (_, names, from) => `const {${names.replaceAll(' as ', ':')}}=${got(from)}`,
    )
    .replace(/import\s*\*\s*as\s+(\w+)\s+from\s*"(node:\w+)";/g, (_, name, from) => `const ${name}=${got(from)}`);
}

for (const file of Object.keys(metafile.outputs)) {
  const code = withNames(readFileSync(join(root, file), 'utf8'));
  writeFileSync(join(root, file), file.startsWith('lib/cli/') ? code : withBuiltins(code));
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
writeFileSync(stamp, digest());
