import { CliError, ExitCode } from './exit-codes.js';

/** One of the URLs that an argument stands for. */
export interface Globbed {
  readonly url: string;
  /** What each list in the argument came to in it. */
  readonly chosen: readonly string[];
}

const lists = /\\([[\]{}])|\{((?:\\.|[^{}])+)\}|\[(?:(\d+)-(\d+)|([a-z]-[a-z]|[A-Z]-[A-Z]))(?::(\d+))?\]/g;

/** So many URLs one argument may stand for. */
const most = 1_000_000;

/**
 * The URLs of an argument, as curl takes it: each of {a,b}, [1-9], [001-100], [a-z] or [0-100:10] in it is a list, of which the
 * last changes fastest. What is no list, such as [name] or the address [::1], stays as it is. Throws a {@link CliError}
 * with 3 for more than a million.
 */
export function expandUrl(argument: string): Globbed[] {
  let all: Globbed[] = [{ url: '', chosen: [] }];
  let at = 0;
  for (const match of argument.matchAll(lists)) {
    const before = argument.slice(at, match.index);
    at = match.index + match[0].length;
    const choices = match[1] === undefined ? choicesOf(match, most / all.length) : undefined;
    all = all.flatMap(({ url, chosen }) => {
      if (choices === undefined) return [{ url: url + before + (match[1] ?? match[0]), chosen }];
      return choices.map((one) => ({ url: url + before + one, chosen: [...chosen, one] }));
    });
  }
  return all.map(({ url, chosen }) => ({ url: url + argument.slice(at), chosen }));
}

/** The members of a list, of which there may be so many; undefined where it is none. */
function choicesOf([text, , set, from, to, letters, by = '1']: RegExpExecArray, room: number): string[] | undefined {
  if (set !== undefined) return set.split(/(?<!\\),/).map((one) => one.replace(/\\(.)/g, '$1'));
  const [first = '', last = ''] = letters?.split('-') ?? [from, to];
  const step = Number(by);
  const code = (end: string): number => (letters === undefined ? Number(end) : end.charCodeAt(0));
  const span = code(last) - code(first);
  if (span < 0 || step < 1 || step > Math.max(span, 1)) return undefined;
  if (span / step >= room)
    throw new CliError(ExitCode.BadUrl, `${text} makes more than ${most} URLs`, 'With -g a URL is taken as it is.');
  const width = first.startsWith('0') ? first.length : 0;
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, i) => {
    const value = code(first) + i * step;
    return letters === undefined ? String(value).padStart(width, '0') : String.fromCharCode(value);
  });
}

/** A file's name, with what the n-th list came to for #n. */
export function fillName(name: string, chosen: readonly string[]): string {
  return name.replace(/#(\d+)/g, (text, n: string) => chosen[Number(n) - 1] ?? text);
}
