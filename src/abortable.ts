/**
 * A promise of something that can be given up. `begin` gets the two ends of the promise and returns what ends the work:
 * it is called once, however the promise is settled, with whether it is resolved; what comes after that is ignored. Where
 * `signal` is aborted first, the promise rejects with `signal.reason`.
 */
export function abortable<T>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => (resolved: boolean) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted();
    const work: { state: 'open' | 'resolved' | 'rejected'; end?: (resolved: boolean) => void } = { state: 'open' };
    const settle = (state: 'resolved' | 'rejected'): boolean => {
      if (work.state !== 'open') return false;
      work.state = state;
      signal?.removeEventListener('abort', onAbort);
      work.end?.(state === 'resolved');
      return true;
    };
    const succeed = (value: T): void => {
      if (settle('resolved')) resolve(value);
    };
    const fail = (error: unknown): void => {
      if (settle('rejected')) reject(error);
    };
    const onAbort = (): void => fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      work.end = begin(succeed, fail);
      // It may have been settled before there was anything to end.
      if (work.state !== 'open') work.end(work.state === 'resolved');
    } catch (error) {
      fail(error);
    }
  });
}
