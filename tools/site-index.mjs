import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const version = /^(\d+)\.(\d+)\.(\d+)(-[\w.]+)?$/;

/** A folder of this name holds the pages of one version, or of what is not released. */
export function isPages(name) {
  return name === 'main' || version.test(name);
}

/** The newest first, a version before its pre-releases, and what is not released last. */
function compare(one, other) {
  const parts = (name) => (version.exec(name) ?? [undefined, -1, 0, 0]).slice(1, 4).map(Number);
  const [a, b] = [parts(one), parts(other)];
  const at = a.findIndex((part, i) => part !== b[i]);
  if (at >= 0) return b[at] - a[at];
  return Number(one.includes('-')) - Number(other.includes('-')) || (one < other ? 1 : -1);
}

const page = (head, body) =>
  `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>passinglane</title>\n${head}${body}</html>\n`;

/** Writes the list of what is there, and `latest/`, which leads to the newest release, or to `main` where there is none. */
export function writeIndex(folder) {
  const names = readdirSync(folder).filter(isPages).sort(compare);
  const items = names.map((name) => `<li><a href="${name}/">${name}</a></li>\n`);
  writeFileSync(join(folder, 'index.html'), page('', `<h1>passinglane: API</h1>\n<ul>\n${items.join('')}</ul>\n`));
  mkdirSync(join(folder, 'latest'), { recursive: true });
  const latest = names.find((name) => !name.includes('-')) ?? names[0];
  writeFileSync(
    join(folder, 'latest', 'index.html'),
    page(`<meta http-equiv="refresh" content="0; url=../${latest}/">\n`, `<a href="../${latest}/">${latest}</a>\n`),
  );
}
