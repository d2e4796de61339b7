/** What an entry costs beside its name and value (RFC 7541 section 4.1). */
export const entryOverhead = 32;

/** The size of an entry in octets (RFC 7541 section 4.1). Strings hold one byte a char. */
export function entrySize(name: string, value: string): number {
  return name.length + value.length + entryOverhead;
}

/** The last version that any table has had. */
let versions = 0;

/**
 * The dynamic table of one direction (RFC 7541 section 2.3.2): a ring of entries, the oldest evicted first so that
 * `size` stays within `capacity`. The ring grows with the entries, of which there are at most capacity / 32.
 */
export class DynamicTable {
  /** Octets that the entries may take; the maximum size in force (RFC 7541 section 4.2). */
  capacity: number;
  /** Octets that the entries take (RFC 7541 section 4.1). */
  size = 0;
  /** Number of entries. */
  length = 0;
  /** Number of entries ever added. */
  added = 0;
  /** Of all states of all tables only this one has this number. While it stands, equal blocks are equal fields. */
  version = ++versions;
  // Entry k ever added sits in slot k modulo the ring's length, which is a power of two.
  private names: string[] = new Array<string>(16).fill('');
  private values: string[] = new Array<string>(16).fill('');

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** The name of the entry `age` entries older than the newest; `age` is less than `length`. */
  name(age: number): string {
    return this.names[(this.added - 1 - age) & (this.names.length - 1)]!;
  }

  value(age: number): string {
    return this.values[(this.added - 1 - age) & (this.values.length - 1)]!;
  }

  /** Adds the newest entry, evicting for it; one larger than the table only empties it (RFC 7541 section 4.4). */
  add(name: string, value: string): void {
    this.changed();
    const size = entrySize(name, value);
    while (this.length > 0 && this.size + size > this.capacity) this.evictOldest();
    if (size > this.capacity) return;
    if (this.length === this.names.length) this.grow();
    const slot = this.added & (this.names.length - 1);
    this.names[slot] = name;
    this.values[slot] = value;
    this.added++;
    this.length++;
    this.size += size;
  }

  evictOldest(): void {
    this.changed();
    const slot = (this.added - this.length) & (this.names.length - 1);
    this.size -= entrySize(this.names[slot]!, this.values[slot]!);
    this.length--;
    this.names[slot] = '';
    this.values[slot] = '';
  }

  clear(): void {
    while (this.length > 0) this.evictOldest();
  }

  /** Takes a new capacity, evicting what no longer fits (RFC 7541 section 4.3). */
  resize(capacity: number): void {
    this.changed();
    this.capacity = capacity;
    while (this.size > capacity) this.evictOldest();
  }

  /** What blocks mean is different from now on. */
  changed(): void {
    this.version = ++versions;
  }

  /** The entries, newest first. */
  entries(): [name: string, value: string][] {
    return Array.from({ length: this.length }, (_, age) => [this.name(age), this.value(age)]);
  }

  private grow(): void {
    const names = new Array<string>(this.names.length * 2).fill('');
    const values = new Array<string>(names.length).fill('');
    for (let age = 0; age < this.length; age++) {
      const slot = (this.added - 1 - age) & (names.length - 1);
      names[slot] = this.name(age);
      values[slot] = this.value(age);
    }
    this.names = names;
    this.values = values;
  }
}
