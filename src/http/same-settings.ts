type Plain = Readonly<Record<string, unknown>>;

/**
 * Whether two connection settings say the same. Text, numbers and bytes do where they are equal, and so do arrays and
 * plain objects of them. All else, such as secure contexts, functions and key objects, may look alike and be two
 * clients: it is the same only where it is the very same one.
 */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (ArrayBuffer.isView(one)) return ArrayBuffer.isView(other) && bytesOf(one).equals(bytesOf(other));
  if (Array.isArray(one))
    return Array.isArray(other) && one.length === other.length && one.every((item, i) => isSame(item, other[i]));
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]));
}

/** A copy that stays what it is when its owner writes over the key or adds to the list that it was made of. */
export function copyOf(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(bytesOf(value));
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)]));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isPlain(value: unknown): value is Plain {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
