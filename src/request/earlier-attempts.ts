import type { TransportError } from '../errors.js';
import type { RequestHandle } from '../ports/index.js';
import { isGracefulGoAway } from './request-errors.js';

/** What became of a request's attempts before the one under way, and beside it. */
export interface EarlierAttempts {
  /** Attempts that ended only because the connection drained while it served others; they count towards no limit. */
  readonly spared: number;
  /** The attempt that just ended was such a one. */
  readonly spare: boolean;
  /** Dials that failed while it waited to be sent again. */
  readonly failedDials: number;
  /** An attempt ended that the peer may have acted on, so no later error can call the request unprocessed. */
  readonly exposed: boolean;
  /** The attempt that just ended met a kept connection closed, and was the first that can have reached the peer. */
  readonly metClosed: boolean;
  /** Attempts beside another. */
  readonly hedges: number;
  /** What the attempt that just ended failed with. */
  readonly failure: TransportError | undefined;
}

/** Most requests go out once, and share this. */
export const noneEarlier: EarlierAttempts = {
  spared: 0,
  spare: false,
  failedDials: 0,
  exposed: false,
  metClosed: false,
  hedges: 0,
  failure: undefined,
};

/** The same, with the attempt among them that just ended with this error. */
export function withFailed(
  earlier: EarlierAttempts,
  handle: RequestHandle | undefined,
  error: TransportError,
): EarlierAttempts {
  const spare = handle?.connection.drainedInOrder === true && isGracefulGoAway(error);
  return {
    ...earlier,
    spare,
    spared: earlier.spared + (spare ? 1 : 0),
    metClosed: handle?.metClosed === true && !earlier.exposed,
    exposed: earlier.exposed || !error.unprocessed,
    failure: error,
  };
}
