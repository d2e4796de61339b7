// Adds the API pages of this checkout to a folder of static pages, beside those of other versions: `npm run docs:site -- FOLDER
// [NAME]`. NAME is a version, or `main`; default: the version of package.json. Each has TypeDoc's search.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPages, writeIndex } from './site-index.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [given, name = version] = process.argv.slice(2);
if (given === undefined || !isPages(name)) {
  console.error('npm run docs:site -- FOLDER [NAME]: NAME is a version, or main');
  process.exit(2);
}
const folder = resolve(given);
rmSync(join(folder, name), { recursive: true, force: true });
const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
execFileSync(process.execPath, [typedoc, '--out', join(folder, name)], { cwd: root, stdio: 'inherit' });
writeIndex(folder);
