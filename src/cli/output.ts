import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { devNull } from 'node:os';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { CliError, ExitCode } from './exit-codes.js';
import { reasonOf } from './data.js';

/** Where a body goes. It is done with the bytes, and can take more, once what `write` returns settles, or at once. */
export interface Output {
  write(bytes: Uint8Array): Promise<void> | undefined;
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
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw cannotWrite(`'${path}'`, error);
    }
  };
  const handle = await guarded(open(path, 'w'));
  if (path === devNull || (await handle.stat()).isFile()) return new DiskOutput(path, handle);
  const stream = handle.createWriteStream();
  // Between two writes nobody waits for the stream; the next one, or the close, tells of the error.
  stream.on('error', () => undefined);
  return {
    async write(bytes) {
      if (stream.errored !== null) throw cannotWrite(`'${path}'`, stream.errored);
      if (!stream.write(Buffer.from(bytes))) await guarded(once(stream, 'drain'));
    },
    close: () => guarded(finished(stream.end())),
  };
}

/**
 * A disk takes bytes at once, and in one write for all that came in a turn of the event loop: for each write costs as much as
 * some of the bytes.
 */
class DiskOutput implements Output {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly gathered = new Uint8Array(262_144);
  private held = 0;
  private failure: CliError | undefined = undefined;

  constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
  }

  write(bytes: Uint8Array): undefined {
    if (this.held + bytes.length > this.gathered.length) this.flush();
    if (this.failure !== undefined) throw this.failure;
    if (bytes.length > this.gathered.length) return this.put(bytes);
    if (this.held === 0) setImmediate(() => this.flush());
    this.gathered.set(bytes, this.held);
    this.held += bytes.length;
    return undefined;
  }

  async close(): Promise<void> {
    this.flush();
    await this.file.close().catch((error: unknown) => {
      this.failure ??= cannotWrite(`'${this.path}'`, error);
    });
    if (this.failure !== undefined) throw this.failure;
  }

  private flush(): void {
    const { held } = this;
    this.held = 0;
    if (held > 0) this.put(this.gathered.subarray(0, held));
  }

  /** The next write, or the close, tells of the error. */
  private put(bytes: Uint8Array): undefined {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.file.fd, bytes, at);
    } catch (error) {
      this.failure ??= cannotWrite(`'${this.path}'`, error);
    }
    return undefined;
  }
}

function cannotWrite(name: string, error: unknown): CliError {
  return new CliError(ExitCode.Write, `cannot write ${name}: ${reasonOf(error)}`, undefined, error);
}
