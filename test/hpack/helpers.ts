import type { DynamicTable, Field, FieldSink } from '../../dist/hpack/index.js';

/** Bytes from hex digits; blanks are for the reader. */
export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

export function hex(block: Uint8Array): string {
  return Buffer.from(block).toString('hex');
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What a table holds, as RFC 7541 appendix C prints it: newest first, then the size. */
export function contents(table: DynamicTable): { entries: [string, string][]; size: number } {
  return { entries: table.entries(), size: table.size };
}

/** Literals as our encoder never writes them: without Huffman coding, each length below 127. */
export function raw(text: string): Uint8Array {
  return join(new Uint8Array([text.length]), new Uint8Array(Buffer.from(text, 'latin1')));
}

/** Collects what `decodeInto` reports. */
export class Collector implements FieldSink {
  readonly fields: Field[] = [];
  oversized = 0;

  field(name: string, value: string, neverIndexed: boolean): void {
    this.fields.push(neverIndexed ? [name, value, { sensitive: true }] : [name, value]);
  }

  oversize(): void {
    this.oversized++;
  }
}
