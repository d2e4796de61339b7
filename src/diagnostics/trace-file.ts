import { closeSync, openSync, writeSync } from 'node:fs';
import { TraceWriter } from './trace-writer.js';

/** Written to the file in pieces of about this many characters. */
const pieceSize = 65_536;

/**
 * Opens a file for a trace. What is not closed in good order lacks the last piece and the closing bracket, which the
 * format allows. Throws what opening the file throws.
 */
export function openTrace(path: string, showSecrets: boolean): { readonly observer: TraceWriter; close(): void } {
  const file = openSync(path, 'w');
  let waiting = '';
  const flush = (): void => {
    writeSync(file, waiting);
    waiting = '';
  };
  const observer = new TraceWriter({
    showSecrets,
    write: (text) => {
      waiting += text;
      if (waiting.length >= pieceSize) flush();
    },
  });
  return {
    observer,
    close: () => {
      observer.close();
      flush();
      closeSync(file);
    },
  };
}
