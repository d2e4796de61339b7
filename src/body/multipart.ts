const bareNewline = /\r(?!\n)|(?<!\r)\n/g;

/** A form as multipart/form-data. Files are referred to, not copied. */
export interface Multipart {
  readonly parts: readonly (Uint8Array | Blob)[];
  /** In bytes, of all parts together. */
  readonly length: number;
  /** `multipart/form-data; boundary=...`. */
  readonly contentType: string;
}

/** A text with a media type of its own, which a FormData cannot hold. */
export interface TypedText {
  readonly value: string;
  readonly mediaType: string;
}

/** Encodes a form as the HTML standard's "multipart/form-data encoding algorithm" does (RFC 7578). */
export function encodeMultipart(
  form: Iterable<readonly [name: string, value: string | Blob | TypedText]>,
  disposition = 'form-data',
): Multipart {
  // From a source that nobody can predict: whoever knew the boundary could close a part from within a value.
  const boundary = `----passinglane-${process.getBuiltinModule('node:crypto').randomBytes(16).toString('hex')}`;
  const parts: (Uint8Array | Blob)[] = [];
  let length = 0;
  let text = '';
  const flush = (): void => {
    const bytes = Buffer.from(text, 'utf8');
    length += bytes.byteLength;
    parts.push(bytes);
    text = '';
  };
  for (const [name, value] of form) {
    text += `--${boundary}\r\nContent-Disposition: ${disposition}; name="${escaped(normalized(name))}"`;
    if (typeof value === 'string') {
      text += `\r\n\r\n${normalized(value)}\r\n`;
    } else if ('mediaType' in value) {
      text += `\r\nContent-Type: ${value.mediaType}\r\n\r\n${normalized(value.value)}\r\n`;
    } else {
      const type = value.type === '' ? 'application/octet-stream' : value.type;
      // Bun leaves a Blob without a name as it is, which the standard makes a File of the name "blob".
      const { name: filename = 'blob' } = value as Partial<File>;
      text += `; filename="${escaped(filename)}"\r\nContent-Type: ${type}\r\n\r\n`;
      flush();
      length += value.size;
      parts.push(value);
      text = '\r\n';
    }
  }
  text += `--${boundary}--\r\n`;
  flush();
  return { parts, length, contentType: `multipart/form-data; boundary=${boundary}` };
}

function normalized(text: string): string {
  return text.replace(bareNewline, '\r\n');
}

function escaped(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}
