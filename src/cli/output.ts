import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CliError, ExitCode } from './exit-codes.js';
import { reasonOf } from './data.js';

/** Where a body goes. It keeps the bytes until it is closed; a promise settles when it can take more. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Standard output. Rejects with a {@link CliError} of exit number 23 when nobody reads it any more. */
export function standardOutput(stdout: Writable & { isTTY?: boolean | undefined }, guardTerminal: boolean): Output {
  let first = true;
  return {
    write(bytes) {
      if (first && guardTerminal && stdout.isTTY === true && bytes.includes(0)) {
        return Promise.reject(
          new CliError(
            ExitCode.Write,
            'the body is binary and would upset the terminal',
            "Save it with -o FILE, or print it all the same with '-o -'.",
          ),
        );
      }
      first = false;
      return new Promise((resolve, reject) => {
        stdout.write(bytes, (error) => {
          if (error === null || error === undefined) resolve();
          else reject(cannotWrite('standard output', error));
        });
      });
    },
    close: () => Promise.resolve(),
  };
}

/** A file, emptied if it exists. Rejects with a {@link CliError} of exit number 23 when it cannot be written. */
export async function fileOutput(path: string): Promise<Output> {
  const guarded = async (work: Promise<unknown>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      throw cannotWrite(`'${path}'`, error);
    }
  };
  // Room for many chunks, which the stream then writes in one go.
  const file = createWriteStream(path, { highWaterMark: 2 ** 20 });
  await guarded(once(file, 'open'));
  // Between two writes nobody waits for the stream; the next one, or the close, tells of the error.
  file.on('error', () => undefined);
  return {
    async write(bytes) {
      if (file.errored !== null) throw cannotWrite(`'${path}'`, file.errored);
      if (!file.write(bytes)) await guarded(once(file, 'drain'));
    },
    close: () => guarded(finished(file.end())),
  };
}

function cannotWrite(name: string, error: unknown): CliError {
  return new CliError(ExitCode.Write, `cannot write ${name}: ${reasonOf(error)}`, undefined, error);
}
