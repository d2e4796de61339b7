/**
 * A promise of something that can be given up. `begin` gets the two ends of the promise and returns what undoes the
 * work. When `signal` is aborted first, that is called, and the promise rejects with `signal.reason`.
 */
export function abortable<T>(
  signal: AbortSignal,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted();
    let cancel: (() => void) | undefined = undefined;
    const onAbort = (): void => {
      cancel?.();
      reject(signal.reason as Error);
    };
    const settled = (): void => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort, { once: true });
    const fail = (error: unknown): void => {
      settled();
      reject(error);
    };
    try {
      cancel = begin((value) => {
        settled();
        resolve(value);
      }, fail);
    } catch (error) {
      fail(error);
    }
  });
}
