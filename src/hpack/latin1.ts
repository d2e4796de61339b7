const chr = String.fromCharCode;

/**
 * The string with one char code per byte of `bytes[start, end)`. Layer 0 has no Buffer, and this beats
 * `fromCharCode.apply` on a view: 55 ns against 250 ns for 29 bytes, 190 ns against 440 ns for 60 (Node 20).
 */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  const b = bytes;
  let i = start;
  let text = '';
  for (; i + 16 <= end; i += 16) {
    // prettier-ignore
    text += chr(
      b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!,
      b[i + 8]!, b[i + 9]!, b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!, b[i + 15]!,
    );
  }
  if (i + 8 <= end) {
    text += chr(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!);
    i += 8;
  }
  return i === end ? text : text + upToSeven(b, i, end - i);
}

function upToSeven(b: Uint8Array, i: number, count: number): string {
  switch (count) {
    case 1:
      return chr(b[i]!);
    case 2:
      return chr(b[i]!, b[i + 1]!);
    case 3:
      return chr(b[i]!, b[i + 1]!, b[i + 2]!);
    case 4:
      return chr(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!);
    case 5:
      return chr(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!);
    case 6:
      return chr(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!);
    default:
      return chr(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!);
  }
}
