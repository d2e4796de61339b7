import { basename, extname } from 'node:path';
import type { Readable } from 'node:stream';
import { encodeMultipart } from '../body/index.js';
import { usageError } from './exit-codes.js';
import { readInput, type RequestBody } from './data.js';

/** As curl guesses. */
const types: Readonly<Record<string, string>> = {
  '.gif': 'image/gif',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
};

/**
 * The form that -F asks for: NAME=VALUE; NAME=@FILE, a file with its name; NAME=<FILE, a value that is in a file. Behind a
 * file `;type=` and `;filename=` may stand. Throws a {@link CliError} with 2, and with 26 for a file that cannot be read.
 */
export async function formBody(forms: readonly string[], stdin: Readable): Promise<RequestBody | undefined> {
  if (forms.length === 0) return undefined;
  const form = new FormData();
  for (const text of forms) {
    const equals = text.indexOf('=');
    if (equals === -1) throw usageError(`-F needs NAME=VALUE, not '${text}'`, 'get');
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    if (value.startsWith('@')) {
      const file = fileOf(value.slice(1));
      form.append(name, new Blob([await content(file.path, stdin)], { type: file.type }), file.name);
    } else {
      form.append(name, value.startsWith('<') ? Buffer.from(await content(value.slice(1), stdin)).toString() : value);
    }
  }
  const { parts, length, contentType } = encodeMultipart(form);
  return { content: new Blob(parts as NonNullable<ConstructorParameters<typeof Blob>[0]>), length, contentType };
}

async function content(file: string, stdin: Readable): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readInput(file, stdin));
}

function fileOf(text: string): { readonly path: string; readonly type: string; readonly name: string } {
  const [path = '', ...parameters] = text.split(/;(?=(?:type|filename)=)/);
  const given = (name: string): string | undefined =>
    parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  return {
    path,
    type: given('type') ?? types[extname(path).toLowerCase()] ?? 'application/octet-stream',
    name: given('filename') ?? basename(path),
  };
}
