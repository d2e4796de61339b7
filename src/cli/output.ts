import { open, type FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { CliError, ExitCode } from './exit-codes.js';
import { reasonOf } from './request-body.js';

/** Where a body goes. Each promise settles once the bytes are no longer needed. */
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
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotWrite(`'${path}'`, error);
    }
  };
  const file: FileHandle = await guarded(() => open(path, 'w'));
  return {
    async write(bytes) {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await guarded(() => file.write(bytes, at));
        at += bytesWritten;
      }
    },
    close: () => guarded(() => file.close()),
  };
}

function cannotWrite(name: string, error: unknown): CliError {
  return new CliError(ExitCode.Write, `cannot write ${name}: ${reasonOf(error)}`, undefined, error);
}
