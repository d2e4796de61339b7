import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';

/** Header fields as node:http keeps them before they are sent: by lower-case name, with the name as it was given. */
export class HeaderStore {
  private readonly fields = new Map<string, { readonly name: string; value: OutgoingHttpHeader }>();

  set(name: string, value: OutgoingHttpHeader): void {
    if (typeof name !== 'string' || name === '') throw invalidType('ERR_INVALID_HTTP_TOKEN', 'A header needs a name');
    if (Array.isArray(value) ? (value as readonly unknown[]).includes(undefined) : (value as unknown) === undefined)
      throw invalidType('ERR_HTTP_INVALID_HEADER_VALUE', `Header ${JSON.stringify(name)} has the value undefined`);
    this.fields.set(name.toLowerCase(), { name, value });
  }

  append(name: string, value: string | readonly string[]): void {
    const before = this.get(name);
    const values = before === undefined ? [] : Array.isArray(before) ? before : [String(before)];
    this.set(name, values.concat(value));
  }

  get(name: string): OutgoingHttpHeader | undefined {
    return this.fields.get(name.toLowerCase())?.value;
  }

  has(name: string): boolean {
    return this.fields.has(name.toLowerCase());
  }

  delete(name: string): void {
    this.fields.delete(name.toLowerCase());
  }

  /** Names in lower case. */
  names(): string[] {
    return [...this.fields.keys()];
  }

  /** Names as they were given. */
  rawNames(): string[] {
    return [...this.fields.values()].map((field) => field.name);
  }

  toObject(): OutgoingHttpHeaders {
    const object = Object.create(null) as OutgoingHttpHeaders;
    for (const [name, { value }] of this.fields) object[name] = value;
    return object;
  }

  /** What `Transport.request` takes: a pair for each value. */
  toPairs(): [name: string, value: string][] {
    const pairs: [string, string][] = [];
    for (const { name, value } of this.fields.values()) {
      for (const one of Array.isArray(value) ? value : [value]) pairs.push([name, String(one)]);
    }
    return pairs;
  }

  /** Takes `headers` of node:http's options: an object, pairs, or names and values by turns. */
  addAll(headers: unknown): void {
    if (headers === undefined || headers === null) return;
    if (!Array.isArray(headers)) {
      for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
        if (value !== undefined) this.set(name, value);
      }
      return;
    }
    const list = headers as readonly unknown[];
    if (Array.isArray(list[0])) {
      for (const [name, value] of list as readonly [string, string][]) this.append(name, value);
    } else {
      for (let i = 0; i + 1 < list.length; i += 2) this.append(String(list[i]), String(list[i + 1]));
    }
  }
}

function invalidType(code: string, message: string): TypeError {
  return Object.assign(new TypeError(message), { code });
}
