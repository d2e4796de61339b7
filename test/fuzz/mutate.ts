import type { Random } from './random.js';

const longest = 2_048;
const values = [0, 1, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];

/** Bytes out of nothing: mostly short, and with a leaning to the values at the edges of bit fields. */
export function invent(random: Random): Uint8Array {
  const bytes = new Uint8Array(1 + random.below(random.chance(8) ? 400 : 60));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.chance(4) ? random.pick(values) : random.next();
  return bytes;
}

/** One to four changes: bytes set, flipped, inserted, removed, doubled, or taken over from another input. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let changed = Uint8Array.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) changed = change(changed, other, random);
  return changed.length > longest ? changed.slice(0, longest) : changed;
}

function change(bytes: Uint8Array<ArrayBuffer>, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const size = 1 + random.below(16);
  switch (random.below(8)) {
    case 0:
      bytes[at] = random.next();
      return bytes;
    case 1:
      bytes[at] = random.pick(values);
      return bytes;
    case 2:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 3:
      return splice(bytes, at, at, invent(random).subarray(0, size));
    case 4:
      return splice(bytes, at, at + size, new Uint8Array(0));
    case 5:
      return splice(bytes, at, at, bytes.slice(at, at + size * 2));
    case 6: {
      const from = random.below(other.length + 1);
      return splice(bytes, at, at, other.subarray(from, from + size * 4));
    }
    default: {
      const from = random.below(other.length + 1);
      return splice(bytes, at, bytes.length, other.subarray(from));
    }
  }
}

/** `bytes` with [from, to) replaced. */
function splice(bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = Math.min(to, bytes.length);
  const result = new Uint8Array(from + put.length + bytes.length - end);
  result.set(bytes.subarray(0, from));
  result.set(put, from);
  result.set(bytes.subarray(end), from + put.length);
  return result;
}
