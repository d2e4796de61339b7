import { parseReceivedContentLength } from './content-length.js';
import { FieldClass, classOf, fieldSize, hasOuterBlank, isFieldValue, quoteName } from './field-syntax.js';

/** What a received block is. Trailers have no pseudo-fields (RFC 9113 section 8.1). */
export const BlockKind = { Response: 0, Trailers: 1 } as const;

export type BlockKind = (typeof BlockKind)[keyof typeof BlockKind];

const noFields: string[] = [];

/**
 * Takes in the fields of one header block after the other, as the HPACK decoder gives them, and checks them. One object
 * a connection: after a block, read what is needed and keep `fields`, then `begin` the next. Never throws.
 *
 * A field that makes the block malformed or too large stops the collecting: from then on only `size` is kept.
 */
export class ResponseFields {
  /** The status code, 100 to 999; 0 in trailers, and while there has been none. */
  status = 0;
  /** The regular fields, flat: name, value, name, value. For the caller to keep; blocks that are equal may share it. */
  fields: readonly string[] = noFields;
  /** Of all fields of the block, in the sense of RFC 9113 section 6.5.2. */
  size = 0;
  /** The declared length of the body in bytes; -1: none. Always -1 in trailers. */
  contentLength = -1;
  /** The block is larger than `maxHeaderListSize`, or one string of it was; trailers too. */
  tooLarge = false;

  private readonly maxSize: number;
  private collected: string[] = noFields;
  private kind: BlockKind = BlockKind.Response;
  private collecting = true;
  private regularSeen = false;
  private cause: string | undefined = undefined;

  /** `maxHeaderListSize` is in the sense of RFC 9113 section 6.5.2; 0 and Infinity mean no limit. */
  constructor(maxHeaderListSize: number) {
    this.maxSize = maxHeaderListSize === 0 ? Infinity : maxHeaderListSize;
  }

  begin(kind: BlockKind): void {
    this.kind = kind;
    this.status = 0;
    this.collected = [];
    this.fields = this.collected;
    this.size = 0;
    this.contentLength = -1;
    this.tooLarge = false;
    this.collecting = true;
    this.regularSeen = false;
    this.cause = undefined;
  }

  /** In place of `begin` and fields: a response block that was well-formed when it came before. */
  repeat(status: number, fields: readonly string[], size: number, contentLength: number): void {
    this.status = status;
    this.fields = fields;
    this.size = size;
    this.contentLength = contentLength;
    this.tooLarge = false;
    this.cause = undefined;
  }

  field(name: string, value: string, _neverIndexed: boolean): void {
    this.size += fieldSize(name, value);
    if (!this.collecting) return;
    if (this.size > this.maxSize) this.oversize();
    else if (name.charCodeAt(0) === 0x3a) this.pseudoField(name, value);
    else this.regularField(name, value);
  }

  /** The decoder skipped a field that is too long to hold. */
  oversize(): void {
    this.tooLarge = true;
    this.collecting = false;
  }

  /**
   * The first reason why the block is malformed (RFC 9113 section 8.1.1), without any value; undefined: it is
   * well-formed. Asked after the block has ended.
   */
  get malformed(): string | undefined {
    if (this.cause !== undefined) return this.cause;
    if (this.kind === BlockKind.Response && this.status === 0 && !this.tooLarge) return 'no :status'; // section 8.3.2
    return undefined;
  }

  // Section 8.3. The pseudo-fields of requests, which a server receives, would be one more kind here.
  private pseudoField(name: string, value: string): void {
    if (this.kind === BlockKind.Trailers) return this.refuse(`pseudo-field ${quoteName(name)} in trailers`);
    if (this.regularSeen) return this.refuse(`pseudo-field ${quoteName(name)} after a regular field`);
    if (name !== ':status') return this.refuse(`pseudo-field ${quoteName(name)} in a response`);
    if (this.status !== 0) return this.refuse('more than one :status');
    if (!/^[1-9][0-9][0-9]$/.test(value)) return this.refuse(':status is not a number of three digits');
    this.status = Number(value);
    if (this.status === 101) this.refuse('status 101, which HTTP/2 has not'); // section 8.6
  }

  private regularField(name: string, value: string): void {
    this.regularSeen = true;
    const fieldClass = classOf(name);
    // Section 8.2.1, with RFC 9110 section 5.5 for the control characters that it does not name.
    if (fieldClass === FieldClass.Invalid) return this.refuse(`invalid field name ${quoteName(name)}`);
    if (!isFieldValue(value)) return this.refuse(`invalid character in the value of ${quoteName(name)}`);
    if (hasOuterBlank(value)) return this.refuse(`white space around the value of ${quoteName(name)}`);
    switch (fieldClass) {
      case FieldClass.ConnectionSpecific: // section 8.2.2
      case FieldClass.Te: // the same section excepts it in requests alone
        return this.refuse(`connection-specific field ${quoteName(name)}`);
      case FieldClass.ContentLength:
        if (this.kind === BlockKind.Response && !this.declareLength(value)) return;
        break;
    }
    this.collected.push(name, value);
  }

  // Sections 8.1.1 and RFC 9110 section 8.6. Where Go takes an invalid or repeated length as none, a response
  // could be cut short without anyone noticing: an invalid one, or two that differ, make the response malformed.
  private declareLength(value: string): boolean {
    const length = parseReceivedContentLength(value);
    if (length === -1) this.refuse('invalid content-length');
    else if (this.contentLength !== -1 && this.contentLength !== length) this.refuse('two different content-lengths');
    else this.contentLength = length;
    return this.collecting;
  }

  private refuse(cause: string): void {
    this.cause = cause;
    this.collecting = false;
  }
}
