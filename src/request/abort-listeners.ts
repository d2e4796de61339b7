interface Abortable {
  abort(reason: unknown): void;
}

/** One listener on a signal for all the requests that share it: a job's may be many, and Node warns at the eleventh. */
class SharedListener {
  readonly members = new Set<Abortable>();
  private readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  end(): void {
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    for (const member of [...this.members]) member.abort(this.signal.reason);
  };
}

const listeners = new WeakMap<AbortSignal, SharedListener>();

/** Calls `abort` with the signal's reason once it is aborted, until {@link stopListening}. It is not aborted yet. */
export function listenForAbort(signal: AbortSignal, member: Abortable): void {
  let listener = listeners.get(signal);
  if (listener === undefined) {
    listener = new SharedListener(signal);
    listeners.set(signal, listener);
  }
  listener.members.add(member);
}

export function stopListening(signal: AbortSignal, member: Abortable): void {
  const listener = listeners.get(signal);
  if (listener?.members.delete(member) !== true || listener.members.size > 0) return;
  listener.end();
  listeners.delete(signal);
}
