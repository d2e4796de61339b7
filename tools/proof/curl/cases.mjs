// Those of curl's own cases (tests/data) that a command line can be put to over HTTP/2: a server of HTTP alone, flags that both
// know, and replies that HTTP/2 can carry.
import { readFileSync, readdirSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';

/** The flags of curl's that `passinglane get` has, and whether a value comes behind. */
const flags = new Map([
  ...['-X', '-H', '-d', '-F', '-u', '-A', '-r', '-m', '-w', '-T', '--request', '--header', '--data', '--data-raw'].map(
    (name) => [name, true],
  ),
  ...[
    '--data-binary',
    '--json',
    '--form',
    '--user',
    '--user-agent',
    '--range',
    '--max-time',
    '--write-out',
    '--retry',
  ].map((name) => [name, true]),
  ...[
    '-g',
    '-G',
    '-i',
    '-I',
    '-L',
    '-f',
    '-s',
    '-S',
    '-sS',
    '-k',
    '--globoff',
    '--get',
    '--include',
    '--head',
    '--location',
    '--fail',
  ].map((name) => [name, false]),
  ...['--silent', '--show-error', '--compressed', '--insecure', '--http2', '--http2-prior-knowledge'].map((name) => [
    name,
    false,
  ]),
]);

function section(text, name) {
  return new RegExp(`<${name}( [^>]*)?>\\n([\\s\\S]*?)</${name}>`).exec(text);
}

/** A shell's words, of what curl's cases use of it: quotes and backslashes. */
function wordsOf(line) {
  const words = [];
  for (const [word] of line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g))
    words.push(
      word.replace(
        /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
        (_, one, double, single) => one ?? double?.replace(/\\(["\\$`])/g, '$1') ?? single,
      ),
    );
  return words;
}

/** Whether all of its flags are known; their values are not looked at. */
function fits(words) {
  for (let i = 0; i < words.length; i++) {
    if (!words[i].startsWith('-') || words[i] === '-') continue;
    const name = flags.has(words[i]) ? words[i] : /^-[XHdFuArmwT]./.test(words[i]) ? words[i].slice(0, 2) : undefined;
    if (name === undefined) return false;
    if (flags.get(name) && words[i] === name) i++;
  }
  return true;
}

/** `{ status, fields, body }` of a reply; undefined where HTTP/2 has no such thing. */
function replyOf(found, number) {
  if (found === null) return undefined;
  const [, attributes = '', raw] = found;
  const text = raw.replaceAll('\r\n', '\n').replaceAll('%TESTNUMBER', String(number)).replaceAll('%SP', ' ');
  if (/hex|base64/.test(attributes) || /%(hex|repeat|if|b64|[A-Z]{3,})/.test(text)) return undefined;
  const match = /^HTTP\/1\.\d (\d{3})[^\n]*\n((?:[^\n]+\n)*)\n?([\s\S]*)$/.exec(text);
  if (match === null) return undefined;
  const [, status, head, body] = match;
  const fields = [];
  for (const line of head.split('\n').slice(0, -1)) {
    const field = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (field === null) return undefined;
    const name = field[1].toLowerCase();
    if (['connection', 'keep-alive', 'proxy-connection', 'upgrade'].includes(name)) continue; // of the connection
    if (name === 'transfer-encoding') return undefined;
    // Node's HTTP/2 server sends no other field twice.
    if (name !== 'set-cookie' && fields.some(([before]) => before === name)) return undefined;
    fields.push([name, field[2]]);
  }
  if (Number(status) < 200 || Number(status) > 599) return undefined; // which Node does not send
  return { status: Number(status), fields, body: Buffer.from(body, 'latin1') };
}

function repliesOf(text, number) {
  const replies = new Map();
  for (const [, part] of text.matchAll(/<data(\d*)(?: [^>]*)?>\n/g)) {
    const reply = replyOf(section(text, `data${part}`), number);
    if (reply === undefined) return undefined;
    replies.set(part === '' ? 0 : Number(part), reply);
  }
  return replies.size > 0 ? replies : undefined;
}

/** `{ number, title, words(origin), replies, input }` of a case; undefined where it is not for a command line over HTTP/2. */
function caseOf(number, text) {
  const client = section(text, 'client')?.[2] ?? '';
  const servers = (section(client, 'server')?.[2] ?? '').trim().split(/\s+/);
  if (!servers.every((name) => ['http', 'http/2'].includes(name))) return undefined;
  if (/<(tool|precheck|postcheck|killserver|limits)>|<setenv>\s*[^<\s]/.test(client) || /<file\d?[ >]/.test(client))
    return undefined;
  if (/<servercmd>/.test(text)) return undefined;
  const command = section(client, 'command');
  if (command === null || /option=/.test(command[1] ?? '')) return undefined;
  const words = wordsOf(command[2].trim().replaceAll('%TESTNUMBER', String(number)));
  const replies = repliesOf(section(text, 'reply')?.[2] ?? '', number);
  if (replies === undefined || !fits(words)) return undefined;
  const host = /^(?:https?:\/\/)?%HOSTIP:%(HTTP|HTTP2|HTTP2TLS)PORT/;
  const filled = (origin) => words.map((word) => word.replace(host, origin).replaceAll('\\n', '\\n'));
  if (!words.some((word) => host.test(word)) || filled('').some((word) => /%[A-Z]{2,}|%\w+\[/.test(word)))
    return undefined;
  return {
    number,
    title: section(client, 'name')?.[2].trim() ?? '',
    words: filled,
    replies,
    input: (section(client, 'stdin')?.[2] ?? '').replaceAll(/%repeat\[(\d+) x ([^\]]*)\]%/g, (_, times, text) =>
      text.repeat(times),
    ),
  };
}

/** The cases of a copy, and how many there are in all. */
export function casesOf(folder) {
  const data = join(folder, 'tests/data');
  const names = readdirSync(data).filter((name) => /^test\d+$/.test(name));
  const found = names.map((name) => caseOf(Number(name.slice(4)), readFileSync(join(data, name), 'latin1')));
  return { all: names.length, cases: found.filter((one) => one !== undefined).sort((a, b) => a.number - b.number) };
}
