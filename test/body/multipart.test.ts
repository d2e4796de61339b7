import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RequestBody, toRequestBody } from '../../dist/body/request-body.js';

function body(form: FormData): RequestBody {
  const made = toRequestBody(form);
  assert.ok(made !== undefined);
  return made;
}

async function bytesOf(made: RequestBody): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const reader = made.open();
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) pieces.push(piece);
  return Buffer.concat(pieces);
}

function boundaryOf(made: RequestBody): string {
  const found = /^multipart\/form-data; boundary=([-\w]{1,70})$/.exec(made.contentType ?? '');
  assert.ok(found?.[1] !== undefined);
  return found[1];
}

test('a form is read back by another implementation as it was, with its length known beforehand', async () => {
  const form = new FormData();
  form.append('text', 'plain é \u{1f600}');
  form.append('text', '');
  form.append('file', new File([new Uint8Array([0, 255, 13, 10, 1])], 'a.bin', { type: 'image/png' }));
  form.append('empty', new File([], 'none'));
  form.append('big', new Blob(['x'.repeat(300_000)]), 'big.txt');
  const made = body(form);
  const bytes = await bytesOf(made);
  assert.equal(made.length, bytes.byteLength);

  const read = await new Response(bytes, { headers: { 'content-type': made.contentType ?? '' } }).formData();
  assert.deepEqual(read.getAll('text'), ['plain é \u{1f600}', '']);
  const file = read.get('file') as File;
  assert.deepEqual([file.name, file.type], ['a.bin', 'image/png']);
  assert.deepEqual([...new Uint8Array(await file.arrayBuffer())], [0, 255, 13, 10, 1]);
  assert.equal((read.get('empty') as File).type, 'application/octet-stream');
  assert.equal(await (read.get('big') as File).text(), 'x'.repeat(300_000));
});

test('the bytes are those of the HTML standard', async () => {
  const form = new FormData();
  form.append('a', '1');
  form.append('f', new File(['data'], 'n.txt', { type: 'text/plain' }));
  const made = body(form);
  const b = boundaryOf(made);
  assert.equal(
    (await bytesOf(made)).toString(),
    `--${b}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n` +
      `--${b}\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\ndata\r\n` +
      `--${b}--\r\n`,
  );
});

test('a name cannot break out of its header line, and line ends are CRLF', async () => {
  const form = new FormData();
  form.append('x"\r\nevil: 1\n', 'a\nb\rc\r\nd');
  form.append('f', new File([''], 'q"\r\n.txt'));
  const text = (await bytesOf(body(form))).toString();
  assert.match(text, /name="x%22%0D%0Aevil: 1%0D%0A"\r\n\r\na\r\nb\r\nc\r\nd\r\n/);
  assert.match(text, /name="f"; filename="q%22%0D%0A\.txt"\r\n/);
});

test('an empty form is its closing line alone', async () => {
  const made = body(new FormData());
  assert.equal((await bytesOf(made)).toString(), `--${boundaryOf(made)}--\r\n`);
});

test('a form is sent again with the same bytes, and two forms have different boundaries', async () => {
  const form = new FormData();
  form.append('f', new Blob(['data']));
  const made = body(form);
  const first = await bytesOf(made);
  assert.equal(made.replayable, true);
  assert.deepEqual(await bytesOf(made), first);
  assert.notEqual(boundaryOf(made), boundaryOf(body(form)));
});

test('a Blob that a form of Bun leaves without a name is a file with the name "blob", as the standard says', async () => {
  const bare = new Blob(['data']);
  const form = new FormData();
  form.entries = form[Symbol.iterator] = () => [['f', bare]][Symbol.iterator]() as ReturnType<FormData['entries']>;
  assert.match((await bytesOf(body(form))).toString(), /name="f"; filename="blob"\r\n.*\r\n\r\ndata\r\n/s);
});
