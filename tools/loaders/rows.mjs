// One row a way to load the package: what is built first, by the Node that runs the check, and what each Node then runs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../project.mjs';

/** Pinned, so that the table says what was tried. */
export const tools = {
  jest: '30.5.2',
  'ts-jest': '29.4.15',
  typescript: '5.7.2',
  '@types/node': '20.19.43',
  '@types/jest': '30.0.0',
  '@connectrpc/connect': '2.1.2',
  '@bufbuild/protobuf': '2.17.0',
  webpack: '5.113.0',
  rollup: '4.68.8',
  '@rollup/plugin-node-resolve': '16.0.3',
  '@rollup/plugin-commonjs': '29.0.3',
  '@vercel/ncc': '0.45.0',
  esbuild: '0.28.2',
  vite: '8.4.0',
  vitest: '4.1.12',
  '@sinonjs/fake-timers': '15.5.0',
  msw: '2.15.0',
};

const tool = (script) => `node_modules/${script}`;
const jest = (folder, more = {}) => [
  tool('jest/bin/jest.js'),
  '--ci',
  '--config',
  JSON.stringify({ roots: [`<rootDir>/${folder}`], testEnvironment: 'node', ...more }),
];
const typed = { module: 'node16', moduleResolution: 'node16', isolatedModules: true, target: 'es2022', strict: true };

function typescript(moduleResolution, module, app = 'app.cts') {
  const outDir = `typescript-${moduleResolution}`;
  const compilerOptions = { strict: true, target: 'es2022', types: ['node'], module, moduleResolution, outDir };
  return {
    name: `TypeScript ${tools.typescript} to CommonJS, \`moduleResolution\` ${moduleResolution}`,
    async build(project) {
      const config = `tsconfig.${moduleResolution}.json`;
      writeFileSync(join(project, config), JSON.stringify({ compilerOptions, files: [app] }));
      await run(process.execPath, [tool('typescript/bin/tsc'), '-p', config], project);
      writeFileSync(join(project, outDir, 'exercise.cjs'), "module.exports = require('../exercise.cjs');");
    },
    runs: [[`${outDir}/${app.replace('.cts', '.cjs')}`]],
  };
}

/**
 * Bundles app.cjs and app.mjs by a script that uses the tool's own interface, into a folder from where Node finds no
 * package.
 */
function bundler(name, folder, script, importedAs = 'imported.cjs') {
  return {
    name,
    async build(project) {
      writeFileSync(join(project, `${folder}.build.mjs`), script);
      await run(process.execPath, [`${folder}.build.mjs`], project);
    },
    runs: [[`../alone/${folder}/required.cjs`], [`../alone/${folder}/${importedAs}`]],
  };
}

export const rows = [
  { name: 'Node, `import`', runs: [['app.mjs']] },
  { name: 'Node, `require`', runs: [['app.cjs']] },
  { name: 'Node, `require` where it loads no ES modules', runs: [['--no-experimental-require-module', 'app.cjs']] },
  { name: `Jest ${tools.jest}, plain configuration`, runs: [jest('jest')] },
  {
    name: `Jest ${tools.jest}, fake timers throughout`,
    runs: [jest('fakes', { fakeTimers: { enableGlobally: true } })],
  },
  { name: `sinon's fake timers ${tools['@sinonjs/fake-timers']}`, runs: [['sinon.cjs']] },
  { name: `msw ${tools.msw}, behind a mock and above an installed fetch`, runs: [['msw.mjs']] },
  {
    name: `ts-jest ${tools['ts-jest']}`,
    runs: [jest('ts-jest', { transform: { '\\.ts$': ['ts-jest', { tsconfig: typed }] } })],
  },
  { name: `Vitest ${tools.vitest}`, runs: [[tool('vitest/vitest.mjs'), 'run', '--root', 'vitest']] },
  typescript('node16', 'node16'),
  typescript('nodenext', 'nodenext'),
  typescript('bundler', 'preserve', 'preserved.cts'),
  bundler(
    `webpack ${tools.webpack}`,
    'webpack',
    `import { resolve } from 'node:path';
     import webpack from 'webpack';
     const output = (filename) => ({ path: resolve('../alone/webpack'), filename });
     for (const [entry, filename] of [['./app.cjs', 'required.cjs'], ['./app.mjs', 'imported.cjs']]) {
       const stats = await new Promise((resolve, reject) => {
         webpack({ mode: 'production', target: 'node', entry, output: output(filename) }, (error, stats) =>
           error === null ? resolve(stats) : reject(error));
       });
       if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString());
     }`,
  ),
  bundler(
    `Rollup ${tools.rollup} with \`-o\``,
    'rollup',
    `import { execFileSync } from 'node:child_process';
     for (const [entry, output] of [['app.cjs', 'required'], ['app.mjs', 'imported']])
       execFileSync(process.execPath, ['node_modules/rollup/dist/bin/rollup', entry, '-f', 'cjs',
         '-p', 'node-resolve={preferBuiltins:true}', '-p', 'commonjs', '-o', '../alone/rollup/' + output + '.cjs']);`,
  ),
  bundler(
    `ncc ${tools['@vercel/ncc']}`,
    'ncc',
    `import { mkdirSync, writeFileSync } from 'node:fs';
     import ncc from '@vercel/ncc';
     mkdirSync('../alone/ncc', { recursive: true });
     for (const [entry, output] of [['app.cjs', 'required.cjs'], ['app.mjs', 'imported.mjs']]) {
       const { code, assets } = await ncc(process.cwd() + '/' + entry, { quiet: true });
       if (Object.keys(assets).some((name) => !/package.json$/.test(name))) throw new Error(Object.keys(assets));
       writeFileSync('../alone/ncc/' + output, code);
     }`,
    'imported.mjs',
  ),
  bundler(
    `esbuild ${tools.esbuild}`,
    'esbuild',
    `import { build } from 'esbuild';
     for (const [entry, output] of [['app.cjs', 'required'], ['app.mjs', 'imported']])
       await build({ entryPoints: [entry], bundle: true, platform: 'node', outfile: '../alone/esbuild/' + output + '.cjs' });`,
  ),
  bundler(
    `Vite ${tools.vite}, for the server`,
    'vite',
    `import { build } from 'vite';
     for (const [entry, output] of [['app.cjs', 'required'], ['app.mjs', 'imported']])
       await build({ logLevel: 'warn', ssr: { noExternal: true }, build: { ssr: entry, outDir: '../alone/vite', emptyOutDir: false,
         rollupOptions: { output: { format: 'cjs', entryFileNames: output + '.cjs' } } } });`,
  ),
];
