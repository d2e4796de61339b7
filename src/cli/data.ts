import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { DataArgument, GetArguments } from './args.js';
import { CliError, ExitCode } from './exit-codes.js';

/** A request body and what is known of it. A function can give it again, for a retry or a redirect. */
export interface RequestBody {
  readonly content: Uint8Array | Blob | Readable | (() => Readable);
  /** Bytes, where it is known before the body is read and the transport cannot see it. */
  readonly length: number | undefined;
  readonly contentType: string | undefined;
}

/** The body that `-d`, `--json` and their kin ask for. Throws a {@link CliError} with 26 when a file cannot be read. */
export async function dataBody(
  args: Pick<GetArguments, 'data' | 'json'>,
  stdin: Readable,
): Promise<RequestBody | undefined> {
  if (args.data.length === 0) return undefined;
  const pieces: Uint8Array[] = [];
  for (const part of args.data) {
    if (pieces.length > 0 && !args.json) pieces.push(Buffer.from('&'));
    pieces.push(await dataBytes(part, stdin));
  }
  return {
    content: Buffer.concat(pieces),
    length: undefined,
    contentType: args.json ? 'application/json' : 'application/x-www-form-urlencoded',
  };
}

/** -G: the data goes where a form of method GET puts it. */
export async function dataUrl(url: URL, args: Pick<GetArguments, 'data' | 'json'>, stdin: Readable): Promise<URL> {
  const body = await dataBody(args, stdin);
  if (body === undefined) return url;
  const made = new URL(url);
  made.search = (made.search === '' ? '' : `${made.search}&`) + Buffer.from(body.content as Uint8Array).toString();
  return made;
}

async function dataBytes(part: DataArgument, stdin: Readable): Promise<Uint8Array> {
  if (part.kind === 'raw' || !part.text.startsWith('@')) return Buffer.from(part.text);
  const bytes = await readInput(part.text.slice(1), stdin);
  // curl: a file given to -d loses its line ends, and NUL with them.
  return part.kind === 'form' ? bytes.filter((byte) => byte !== 10 && byte !== 13 && byte !== 0) : bytes;
}

/** All of a file, or of standard input where the name is '-'. */
export async function readInput(file: string, stdin: Readable): Promise<Uint8Array> {
  try {
    if (file !== '-') return await readFile(file);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stdin) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** The body for `-T FILE`: streamed, and with its length where the file has one. */
export async function uploadBody(file: string, stdin: Readable): Promise<RequestBody> {
  if (file === '-') return { content: stdin, length: undefined, contentType: undefined };
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) throw new Error('it is a directory');
    return {
      content: () => createReadStream(file),
      length: stats.isFile() ? stats.size : undefined,
      contentType: undefined,
    };
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** curl: a URL that ends in '/' gets the name of the uploaded file. */
export function uploadUrl(url: URL, file: string): URL {
  if (file === '-' || !url.pathname.endsWith('/')) return url;
  const named = new URL(url);
  named.pathname += encodeURIComponent(basename(file));
  return named;
}

/** Exit number 26, in words. */
export function cannotRead(file: string, error: unknown): CliError {
  const name = file === '-' ? 'standard input' : `'${file}'`;
  return new CliError(
    ExitCode.Read,
    `cannot read ${name}: ${reasonOf(error)}`,
    'Check the name and the permissions.',
    error,
  );
}

/** A system error without the path and the system call that Node puts into its message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.replace(/^[A-Z]+: /, '').replace(/, \w+( '.*')?$/, '');
}
