// What ships, as its users get it: the packed tarball, installed into an empty project, imported, required and compiled
// against. Run by `npm run check:package`, which builds first.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
/**
 * The oldest TypeScript that the README promises our declarations compile with; its first release ends in .2, as every
 * line's does. It is fetched into the cache of the checks: as a devDependency its `tsc` would take the place of ours.
 */
const promised = /types for TypeScript (\d+\.\d+) and later/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1];
/** What users write to import each entry of the package's "exports". */
const specifiers = Object.keys(manifest.exports).map((subpath) => subpath.replace(/^\./, manifest.name));
const modules = specifiers.filter((specifier) => !specifier.endsWith('.json'));

/** Node as it is where it cannot require() an ES module. */
const asCommonJs = '--no-experimental-require-module';

let folder = '';
let tarball = '';
let consumer = '';

function run(command: string, args: readonly string[], cwd: string): string {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 26 });
  const output = `${done.stdout}${done.stderr}`;
  assert.equal(
    done.status,
    0,
    `${command} ${args.join(' ')} failed (${String(done.error ?? done.status)}):\n${output}`,
  );
  return done.stdout;
}

const node = (args: readonly string[], cwd: string): string => run(process.execPath, args, cwd);
const tool = (script: string): string => join(root, 'node_modules', script);

function write(path: string, text: string): void {
  mkdirSync(dirname(join(consumer, path)), { recursive: true });
  writeFileSync(join(consumer, path), text);
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'passinglane-pack-'));
  consumer = join(folder, 'consumer');
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root);
  tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');
  write('package.json', '{ "name": "consumer", "private": true, "type": "module" }');
  run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], consumer);
});

after(() => {
  rmSync(folder, { recursive: true });
});

describe('the tarball', () => {
  test('holds what is joined of the built modules, as both kinds, their declarations, the license, and the documents with what they show, and nothing else', () => {
    const files = run('tar', ['-tzf', tarball], folder).trim().split('\n');
    const strangers = files.filter((file) => {
      if (/^package\/(package\.json|LICENSE|[A-Z]+\.md|docs\/.+\.(md|svg|png)|examples\/.+\.(md|mjs))$/.test(file))
        return false;
      if (/^package\/lib\/.+\.c?js$/.test(file)) return false;
      const module = /^package\/dist\/(.+?)\.d\.c?ts$/.exec(file)?.[1];
      return module === undefined || !existsSync(join(root, 'src', `${module}.ts`));
    });
    assert.deepEqual(strangers, [], 'a file that no source stands behind ships');
    for (const file of ['package.json', 'LICENSE', 'README.md', 'docs/errors.md']) {
      assert.ok(files.includes(`package/${file}`), `${file} is not in the tarball`);
    }
  });

  test('holds all that its documents link to', () => {
    const installed = join(consumer, 'node_modules', manifest.name);
    const pages = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
    assert.ok(pages.includes('README.md') && pages.includes(join('docs', 'errors.md')));
    const dead: string[] = [];
    for (const page of pages) {
      const prose = readFileSync(join(installed, page), 'utf8').replace(/^```[\s\S]*?^```|`[^`\n]*`/gm, '');
      for (const [, target = ''] of prose.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g))
        if (!existsSync(join(installed, dirname(page), target))) dead.push(`${page}: ${target}`);
    }
    assert.deepEqual(dead, []);
  });

  test('holds all that its examples load of it', () => {
    const installed = join(consumer, 'node_modules', manifest.name);
    const examples = readdirSync(join(installed, 'examples'), { recursive: true, encoding: 'utf8' });
    const missing: string[] = [];
    for (const example of examples.filter((file) => file.endsWith('.mjs'))) {
      const path = join(installed, 'examples', example);
      for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(/\b(?:from|import) ?\(?'(\.[^']+)'/g))
        if (!existsSync(join(dirname(path), target))) missing.push(`${example}: ${target}`);
    }
    assert.deepEqual(missing, []);
  });

  test('declares nothing that is for the library alone', () => {
    const declarations = join(consumer, 'node_modules', manifest.name, 'dist');
    const files = readdirSync(declarations, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    assert.ok(files.length > 0);
    for (const file of files) assert.doesNotMatch(readFileSync(join(declarations, file), 'utf8'), /@internal/, file);
  });

  test('brings no dependency along', () => {
    const installed = readdirSync(join(consumer, 'node_modules')).filter((name) => !name.startsWith('.'));
    assert.deepEqual(installed, [manifest.name]);
  });

  test('works without its peers, but for the adapter that needs one, whose error names it', () => {
    const lone = spawnSync(process.execPath, ['-e', `import('${manifest.name}/connect')`], {
      cwd: consumer,
      encoding: 'utf8',
    });
    assert.match(lone.stderr, /ERR_MODULE_NOT_FOUND/);
    assert.match(lone.stderr, /Cannot find package '@connectrpc\/connect' imported from .*passinglane.lib.connect/);
    node(['-e', `import('${manifest.name}')`], consumer);
  });

  test('is in order for publint', () => {
    node([tool('publint/src/cli.js'), tarball, '--strict'], folder);
  });

  test('is in order for arethetypeswrong, as ES modules, as CommonJS and for bundlers', () => {
    node([tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'node16', '--no-emoji'], folder);
  });
});

describe('every entry point', () => {
  // Peers come from the user. Resolved through the links, they find their own dependencies.
  before(() => {
    for (const peer of Object.keys(manifest.peerDependencies)) {
      const link = join(consumer, 'node_modules', peer);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(root, 'node_modules', peer), link);
    }
  });

  /** A script that prints the names each entry point exports, by the means given for loading it. */
  const listing = (load: (specifier: string) => string): string =>
    `const names = {};
     ${modules.map((name) => `names['${name}'] = Object.keys(${load(name)}).sort();`).join('\n')}
     process.stdout.write(JSON.stringify(names));`;

  test('can be imported, and required, as an ES module and as CommonJS', () => {
    write(
      'import.mjs',
      listing((name) => `await import('${name}')`),
    );
    write(
      'require.cjs',
      listing((name) => `require('${name}')`),
    );
    const names = (args: string[]): Record<string, string[]> =>
      JSON.parse(node(args, consumer)) as Record<string, string[]>;
    const imported = names(['import.mjs']);
    const required = names(['require.cjs']);
    const commonJs = names([asCommonJs, 'require.cjs']);
    for (const name of modules) {
      // To load that one is all that there is to do.
      if (!name.endsWith('/register')) assert.notDeepEqual(imported[name], [], `${name} exports nothing`);
      // Node adds __esModule to what require() returns only where there is a default export.
      assert.deepEqual(required[name], imported[name], `require('${name}') gives other names than import`);
      assert.deepEqual(commonJs[name], imported[name], `the CommonJS of ${name} gives other names than import`);
      assert.ok(imported[name]?.includes('default') === false, `${name} has a default export`);
    }
  });

  test('is there once in a process, imported or required', () => {
    write(
      'once.cjs',
      `const names = ${JSON.stringify(modules)};
       Promise.all(names.map(async (name) => (await import(name)) === require(name))).then((same) => {
         process.stdout.write(String(same.every(Boolean)));
       });`,
    );
    assert.equal(node(['once.cjs'], consumer), 'true');
  });

  test('knows the errors of its CommonJS build by TransportError.isInstance, and that knows its own', () => {
    write(
      'both.cjs',
      `const required = require('${manifest.name}');
       import('${manifest.name}').then(async (imported) => {
         const refused = ({ Transport }) => new Transport().request('http://127.0.0.1:1/').catch((error) => error);
         const [one, other] = [await refused(required), await refused(imported)];
         process.stdout.write(
           String([
             required.TransportError !== imported.TransportError,
             imported.TransportError.isInstance(one),
             required.TransportError.isInstance(other),
             one.code === other.code,
           ]),
         );
       });`,
    );
    assert.equal(node([asCommonJs, 'both.cjs'], consumer), 'true,true,true,true');
  });

  test('is listed: the manifest is, and what is not listed is out of reach', () => {
    write('manifest.cjs', `process.stdout.write(require('${manifest.name}/package.json').name);`);
    assert.equal(node(['manifest.cjs'], consumer), manifest.name);
    write('private.cjs', `require('${manifest.name}/lib/index.js');`);
    const done = spawnSync(process.execPath, ['private.cjs'], { cwd: consumer, encoding: 'utf8' });
    assert.match(done.stderr, /ERR_PACKAGE_PATH_NOT_EXPORTED/);
  });

  for (const command of Object.keys(manifest.bin)) {
    test(`has its command beside it: ${command} --help`, () => {
      assert.match(run(join(consumer, 'node_modules/.bin', command), ['--help'], consumer), new RegExp(command));
    });
  }

  test('shares what has an identity: one TransportError, one Transport, whichever entry brought them', () => {
    write(
      'identity.mjs',
      `import { Transport, TransportError } from '${manifest.name}';
       import { H2Dispatcher } from '${manifest.name}/undici';
       const transport = new Transport({ connectTimeout: 1_000 });
       const dispatcher = new H2Dispatcher(transport);
       await transport.close();
       const error = await transport.request('https://127.0.0.1:1/').catch((error) => error);
       process.stdout.write(String(error instanceof TransportError && dispatcher instanceof H2Dispatcher));`,
    );
    assert.equal(node(['identity.mjs'], consumer), 'true');
  });

  test('has a command whose demo writes a trace, and whose view makes a page of it', () => {
    const command = join(consumer, 'node_modules/.bin/passinglane');
    run(command, ['demo', '--trace', 'demo.json'], consumer);
    run(command, ['view', 'demo.json', '-o', 'demo.html'], consumer);
    assert.match(readFileSync(join(consumer, 'demo.html'), 'utf8'), /<!doctype html>/i);
  });
});

describe('the declarations', () => {
  const settings = {
    Node: { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'] },
    'Node as it was': { module: 'node16', moduleResolution: 'node16', lib: ['es2022'] },
    'a bundler, with the DOM': {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2022', 'dom', 'dom.iterable'],
    },
  };

  before(() => {
    // Resolved through the link, so @types/node finds its own dependencies.
    mkdirSync(join(consumer, 'node_modules/@types'), { recursive: true });
    symlinkSync(join(root, 'node_modules/@types/node'), join(consumer, 'node_modules/@types/node'));
    write(
      'consumer.ts',
      `${modules.map((name, at) => `import * as entry${at} from '${name}';`).join('\n')}
       export const entries: object[] = [${modules.map((_, at) => `entry${at}`).join(', ')}];
       export async function get(url: string): Promise<[number, string]> {
         const transport = new entry0.Transport({ stallTimeout: 50 });
         const response = await transport.request(url, { headers: { accept: 'text/plain' } });
         for (const [name] of response.headerPairs) name.toLowerCase();
         const text = await response.body.text();
         await transport.close();
         return [response.status, text];
       }`,
    );
  });

  // A CommonJS file of the user's, and what it makes handed to a file that imports the ES module.
  before(() => {
    write(
      'required.cts',
      `${modules.map((name, at) => `import * as entry${at} from '${name}';`).join('\n')}
       export const entries: object[] = [${modules.map((_, at) => `entry${at}`).join(', ')}];
       export const transport = new entry0.Transport({ stallTimeout: 50 });
       export const codeOf = (error: entry0.TransportError): entry0.TransportErrorCode => error.code;
       export class Mine extends entry0.Transport {}`,
    );
    write(
      'handed.mts',
      `import type { Transport } from '${manifest.name}';
       import { H2Dispatcher } from '${manifest.name}/undici';
       import { createRequest } from '${manifest.name}/http';
       import { createHttpClient } from '${manifest.name}/connect';
       import { Mine, transport } from './required.cjs';
       export const taken: Transport[] = [transport, new Mine()];
       export const takers = [new H2Dispatcher(transport), createRequest(transport), createHttpClient(transport)];`,
    );
  });

  // Connect-ES's own declarations take this name from the DOM's.
  before(() => {
    write('connect-es.d.ts', 'type HeadersInit = ConstructorParameters<typeof Headers>[0];');
  });

  function compile(typescript: string, name: keyof typeof settings): void {
    write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          ...settings[name],
          target: 'es2022',
          types: ['node'],
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: ['consumer.ts', ...(name.startsWith('Node') ? ['required.cts', 'handed.mts', 'connect-es.d.ts'] : [])],
      }),
    );
    node([join(typescript, 'bin/tsc'), '-p', '.'], consumer);
  }

  /** The folder of a TypeScript of this version, fetched into the cache of the checks when it isn't there. */
  function typescript(version: string): string {
    const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'passinglane-ci');
    const at = join(cache, `typescript-${version}`);
    const found = join(at, 'node_modules/typescript');
    if (!existsSync(join(found, 'bin/tsc'))) {
      mkdirSync(at, { recursive: true });
      run('npm', ['install', '--no-audit', '--no-fund', '--prefix', at, `typescript@${version}`], at);
    }
    return found;
  }

  test('have a lowest TypeScript named in the README', () => {
    assert.notEqual(promised, undefined, 'the README says no more: types for TypeScript N.N and later');
  });

  for (const name of Object.keys(settings) as (keyof typeof settings)[]) {
    test(`compile for ${name} with TypeScript ${String(promised)}, library checks included`, () => {
      compile(typescript(`${String(promised)}.2`), name);
    });

    test(`compile for ${name} with the TypeScript they were made by`, () => {
      compile(tool('typescript'), name);
    });
  }
});
