import type { BufferBudget } from '../protocol/index.js';
import { toHeaders } from './to-headers.js';

/**
 * Between who receives the trailers and who may want them. It holds no body, so that who receives may hold it. One of
 * `arrived` and `failed` is called, once; later calls do nothing.
 */
export class TrailersHolder {
  /** Told that somebody has begun to wait. */
  private owner: { attended(): void } | undefined;
  private budget: BufferBudget | undefined = undefined;
  /** By header list size: fields of the response, its headers too, that count against the budget. */
  private unread = 0;
  private received: readonly string[] | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;
  private wanted: Promise<Headers> | undefined = undefined;
  private wake: (() => void) | undefined = undefined;

  constructor(owner?: { attended(): void }) {
    this.owner = owner;
  }

  /** Somebody has asked for them, and they have neither arrived nor failed. */
  get awaited(): boolean {
    return this.wake !== undefined && !this.settled;
  }

  private get settled(): boolean {
    return this.received !== undefined || this.failure !== undefined;
  }

  /** Fields have come that count until `fetched`. False: the budget has no room for them. */
  hold(budget: BufferBudget, size: number): boolean {
    if (!budget.takeFields(size)) return false;
    this.budget = budget;
    this.unread += size;
    return true;
  }

  /** Somebody has looked at them, or nobody will. */
  fetched(): void {
    if (this.unread === 0) return;
    this.budget?.giveFields(this.unread);
    this.unread = 0;
  }

  /** Undefined until they have arrived. */
  get fields(): readonly string[] | undefined {
    this.fetched();
    return this.received;
  }

  /** The body has ended. Names and values in turn; none where it ended without trailers. */
  arrived(fields: readonly string[]): void {
    if (this.settled) return;
    this.received = fields;
    this.owner = undefined;
    this.wake?.();
  }

  /** The body was cut or cancelled. */
  failed(error: unknown): void {
    if (this.settled) return;
    this.failure = { error };
    this.owner = undefined;
    this.wake?.();
  }

  /** Made when first asked for; a rejection that nobody handles passes in silence. */
  get promise(): Promise<Headers> {
    if (this.wanted === undefined) {
      this.wanted = this.wait();
      this.wanted.catch(ignore);
    }
    return this.wanted;
  }

  private async wait(): Promise<Headers> {
    if (!this.settled) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        this.owner?.attended();
      });
    }
    this.fetched();
    if (this.failure !== undefined) throw this.failure.error;
    return toHeaders(this.received ?? []);
  }
}

function ignore(): void {}
