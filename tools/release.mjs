// Makes what npm shows of the package speak of the repository that it is released from: `node tools/release.mjs [FOLDER]`, run
// by the release workflow before it publishes. GITHUB_SERVER_URL and GITHUB_REPOSITORY say which repository that is. It goes
// into package.json, and the links of README, which npm shows alone, become absolute, to the files of this version's tag. Those of
// the other pages lead to files of the package. Without `repository` npm publishes no provenance.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(process.argv[2] ?? '.');
const { GITHUB_SERVER_URL: server = '', GITHUB_REPOSITORY: name = '' } = process.env;
if (!/^https:\/\/[^/]+$/.test(server) || !/^[\w.-]+\/[\w.-]+$/.test(name)) {
  console.error('GITHUB_SERVER_URL and GITHUB_REPOSITORY must say which repository this is');
  process.exit(1);
}
const home = `${server}/${name}`;

const read = (file) => readFileSync(join(folder, file), 'utf8');
const write = (file, text) => writeFileSync(join(folder, file), text);

const manifest = JSON.parse(read('package.json'));
const { version } = manifest;
if (!new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`, 'm').test(read('CHANGELOG.md'))) {
  console.error(`CHANGELOG.md has no section for ${version}`);
  process.exit(1);
}
manifest.repository = { type: 'git', url: `git+${home}.git` };
manifest.homepage = `${home}#readme`;
manifest.bugs = { url: `${home}/issues` };
write('package.json', `${JSON.stringify(manifest, null, 2)}\n`);

/** Links within the page, and those that are absolute, stay. */
function withAbsoluteLinks(text) {
  return text.replace(/(!?)(\[[^\]]*\])\((?!#|[a-z]+:)([^)\s]+)\)/g, (_, image, label, link) => {
    const kind = image === '' ? 'blob' : 'raw';
    return `${image}${label}(${home}/${kind}/v${version}/${link})`;
  });
}

write('README.md', withAbsoluteLinks(read('README.md')));
