/** Why attempts were made again. */
export interface ReplayCauses {
  /** The server refused the stream (REFUSED_STREAM), or asked for HTTP/1.1. */
  readonly refused: number;
  /** A GOAWAY said that the server had not acted on them. */
  readonly goAway: number;
  /** The connection or the stream was lost in any other way. */
  readonly lost: number;
  /** An answer whose status is one of `retry.statuses` was dropped. */
  readonly status: number;
}

/** What has happened on a transport since it was made. */
export interface TransportTotals {
  /** Requests that were made. */
  readonly requests: number;
  /** Of these, those that ended without a response: failed, timed out or aborted. */
  readonly failed: number;
  /** Attempts that were made again after one that came to nothing. */
  readonly replays: number;
  /** The same, by their causes. */
  readonly replayCauses: ReplayCauses;
  /** Requests that were not sent again for want of a token (`retry.budget`). */
  readonly replaysDenied: number;
  /** Second attempts that were made beside a first (`hedge`), and those of them that the answer came on. */
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly dials: number;
  readonly failedDials: number;
  /** How often a connection was found to be stalled. */
  readonly stalls: number;
  /** On all connections, those that are closed included; in bytes, framing and all. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

interface Counted {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly stalls: number;
}

/** The counters themselves. What a connection counts is added when it is gone. */
export class Totals implements TransportTotals {
  requests = 0;
  failed = 0;
  replays = 0;
  replayCauses: Record<keyof ReplayCauses, number> = { refused: 0, goAway: 0, lost: 0, status: 0 };
  replaysDenied = 0;
  hedges = 0;
  hedgesWon = 0;
  dials = 0;
  failedDials = 0;
  stalls = 0;
  bytesSent = 0;
  bytesReceived = 0;

  add({ bytesSent, bytesReceived, stalls }: Counted): void {
    this.bytesSent += bytesSent;
    this.bytesReceived += bytesReceived;
    this.stalls += stalls;
  }

  replayed(cause: keyof ReplayCauses): void {
    this.replays++;
    this.replayCauses[cause]++;
  }

  /** A snapshot, with what the connections that live have counted so far. */
  with(living: Iterable<Counted>): TransportTotals {
    const sum = Object.assign(new Totals(), this, { replayCauses: { ...this.replayCauses } });
    for (const connection of living) sum.add(connection);
    return Object.assign({}, sum);
  }
}
