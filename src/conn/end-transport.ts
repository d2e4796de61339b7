import type { TransportError } from '../errors.js';
import type { ByteTransport, Clock } from '../ports/index.js';
import type { WritePump } from './pump.js';

/** How long what is written last (GOAWAY, RST_STREAM) may take before the socket is given up, in milliseconds. */
const lastWords = 250;

/**
 * Writes what is left, within a bound, and ends the transport. A connection that was cut has nothing left to say. What is
 * returned is for when the transport has closed by itself, so that nothing waits for words that nobody hears.
 */
export function endTransport(
  transport: ByteTransport,
  pump: WritePump,
  clock: Clock,
  error: TransportError | undefined,
): (() => void) | undefined {
  if (error !== undefined && !(error.initiator === 'local' && error.code === 'ERR_PASSINGLANE_PROTOCOL')) {
    pump.stop();
    transport.destroy();
    return undefined;
  }
  const end = (): void => {
    if (pump.writing) transport.destroy();
    else transport.end();
    pump.stop();
    clock.clearTimer(timer);
  };
  const timer = clock.setTimer(lastWords, end, false);
  pump.drain(end);
  return end;
}
