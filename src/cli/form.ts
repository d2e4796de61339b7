import { basename, extname } from 'node:path';
import type { Readable } from 'node:stream';
import { encodeMultipart, type TypedText } from '../body/index.js';
import type { GetArguments } from './args.js';
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

const mediaType = /^[^\s/;,]+\/[^\s/;,]+(?:;.*)?$/;

/**
 * The form that -F asks for: NAME=VALUE; NAME=@FILE, a file with its name; NAME=<FILE, a value that is in a file. Behind each
 * `;type=` and `;filename=` may stand. Throws a {@link CliError} with 2, and with 26 for a file that cannot be read.
 */
export async function formBody(
  { forms, headers }: Pick<GetArguments, 'forms' | 'headers'>,
  stdin: Readable,
): Promise<RequestBody> {
  const form: [string, string | File | TypedText][] = [];
  for (const text of forms) {
    const [, name, kind, rest = ''] = /^([^=]*)=([@<]?)(.*)$/s.exec(text) ?? [];
    if (name === undefined) throw usageError(`-F needs NAME=VALUE, not '${text}'`, 'get');
    const [source = '', ...parameters] = rest.split(/;(?=(?:type|filename)=)/i);
    const given = (parameter: string): string | undefined =>
      parameters.find((one) => one.toLowerCase().startsWith(`${parameter}=`))?.slice(parameter.length + 1);
    const type = given('type');
    if (type !== undefined && !mediaType.test(type)) throw usageError(`-F ${name}: '${type}' is no media type`, 'get');
    const bytes = kind === '' ? Buffer.from(source.trimStart()) : await readInput(source, stdin);
    const filename = given('filename') ?? (kind === '@' ? basename(source) : undefined);
    if (filename !== undefined) {
      const guessed = types[extname(source).toLowerCase()] ?? 'application/octet-stream';
      form.push([name, new File([new Uint8Array(bytes)], filename, { type: type ?? guessed })]);
    } else {
      const value = Buffer.from(bytes).toString();
      form.push([name, type === undefined ? value : { value, mediaType: type }]);
    }
  }
  // Form-data is for multipart/form-data alone, and not for another type of the user's (RFC 7578 section 4.2), as with curl.
  const other = headers.some((line) => /^content-type:(?!\s*multipart\/form-data)/i.test(line));
  const { parts, length, contentType } = encodeMultipart(form, other ? 'attachment' : 'form-data');
  return { content: new Blob(parts as NonNullable<ConstructorParameters<typeof Blob>[0]>), length, contentType };
}
