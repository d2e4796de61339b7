import { readFileSync } from 'node:fs';
import { isIP, type LookupFunction } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Transport, type DialTimes, type TransportOptions } from '../index.js';
import { sentenceOf } from '../errors.js';
import { CliError, ExitCode, usageError } from './exit-codes.js';
import { frameLog, observers, openTrace } from '../diagnostics/index.js';
import type { CommonArguments } from './options.js';
import type { ProgressView } from './progress.js';
import { reasonOf } from './data.js';
import { version } from '../version.js';
import { palette, printable, wantsColour, type Palette, type Terminal } from './terminal.js';

/** The streams and the environment of the process. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable & Terminal;
  readonly stderr: Terminal;
  readonly env: NodeJS.ProcessEnv;
}

/** An address given with --resolve. */
export interface Resolution {
  /** Lower case; '*' stands for every host. */
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** What the requests of one command line share: the transport and the look of standard error. */
export class Session<A extends CommonArguments = CommonArguments> {
  readonly args: A;
  readonly io: Io;
  readonly palette: Palette;
  private readonly resolutions: readonly Resolution[];
  private readonly options: TransportOptions;
  private readonly transports = new Map<number, Transport>();
  private readonly trace: ReturnType<typeof openTrace> | undefined;
  /** The progress of transfers that run at once, where it shows. */
  view: ProgressView | undefined = undefined;
  /** How long each connection took to make, by its number. */
  readonly dials = new Map<number, DialTimes>();

  constructor(args: A, io: Io) {
    this.args = args;
    this.io = io;
    this.palette = palette(wantsColour(io.stderr, io.env));
    this.resolutions = args.resolve.map(parseResolution);
    this.trace = args.trace === undefined ? undefined : traceTo(args.trace, args.showSecrets);
    this.options = this.transportOptions();
  }

  /** The transport for a URL: one for all, but with --resolve one for each port, as a lookup knows only the host. */
  transportFor(url: URL): Transport {
    const port =
      this.resolutions.length === 0 ? 0 : Number(url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : url.port);
    let transport = this.transports.get(port);
    if (transport === undefined) {
      const lookup = lookupFor(port === 0 ? [] : this.resolutions, port, this.args.family);
      transport = new Transport(lookup === undefined ? this.options : { ...this.options, lookup });
      this.transports.set(port, transport);
    }
    return transport;
  }

  /** Lets go of all connections: in good order, or at once after a failure. */
  async close(failed: boolean): Promise<void> {
    for (const transport of this.transports.values()) {
      if (failed) transport.destroy();
      else await transport.close({ timeout: 1000 });
    }
    this.trace?.close();
  }

  /** A line on standard error for the user, unless -s asks for none. */
  warn(text: string): void {
    if (this.args.silent && !this.args.showError) return;
    this.view?.erase();
    this.io.stderr.write(`passinglane: ${text}\n`);
  }

  /** What goes out where the request names none; '' for none. */
  get userAgent(): string {
    const { noUserAgent, headers } = this.args;
    const none = noUserAgent || headers.some((line) => /^user-agent:\s*$/i.test(line));
    return none ? '' : `passinglane/${version}`;
  }

  private transportOptions(): TransportOptions {
    const { args } = this;
    return {
      tls: {
        ...(args.insecure ? { rejectUnauthorized: false } : {}),
        ...(args.cacert === undefined ? {} : { ca: readCertificates(args.cacert) }),
      },
      decompress: args.compressed,
      userAgent: this.userAgent,
      ...(args.http2PriorKnowledge ? { cleartext: 'h2c', allowHTTP1: false } : {}),
      // As with curl: -x goes before the environment, an empty name turns proxies off, and a Unix socket leads past them.
      ...(args.unixSocket === undefined
        ? { proxy: args.proxy === '' ? false : (args.proxy ?? 'env') }
        : { socketPath: args.unixSocket }),
      observer: observers(args.verbose ? this.log() : this.retries(), this.trace?.observer, {
        connection: ({ type, connection, dial }) => {
          if (type === 'connected' && dial !== undefined) this.dials.set(connection, dial);
        },
      }),
    };
  }

  /** On a terminal, that a request is sent again, and why. */
  private retries(): TransportOptions['observer'] {
    if (this.io.stderr.isTTY !== true || this.args.silent) return undefined;
    return {
      request: ({ type, request, attempt, error }) => {
        if (type !== 'retry') return;
        const why = error === undefined ? 'it failed' : printable(sentenceOf(error));
        this.warn(`${request.url} is sent again, after attempt ${attempt}: ${why}`);
      },
    };
  }

  private log(): NonNullable<TransportOptions['observer']> {
    return frameLog({
      write: (text) => this.io.stderr.write(text),
      palette: this.palette,
      showSecrets: this.args.showSecrets,
    });
  }
}

/** Throws a {@link CliError} with exit number 23. */
export function traceTo(file: string, showSecrets: boolean): ReturnType<typeof openTrace> {
  try {
    return openTrace(file, showSecrets);
  } catch (error) {
    throw new CliError(ExitCode.Write, `cannot write '${file}': ${reasonOf(error)}`, undefined, error);
  }
}

export function readCertificates(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(ExitCode.CaFile, `cannot read the certificates in '${file}': ${reasonOf(error)}`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new CliError(ExitCode.CaFile, `'${file}' holds no certificate in PEM form`);
  }
  return text;
}

/** Parses `HOST:PORT:ADDRESS[,ADDRESS]...`; an IPv6 host or address may stand in brackets. */
export function parseResolution(text: string): Resolution {
  const match = /^\+?(\[[^\]]+\]|[^:]+):(\d+):(.+)$/.exec(text);
  const [, host = '', port = '', list = ''] = match ?? [];
  const addresses = list.split(',').map((address) => address.replace(/^\[(.*)\]$/, '$1'));
  if (match === null || Number(port) > 65_535 || !addresses.every((address) => isIP(address) !== 0)) {
    throw usageError(`--resolve needs HOST:PORT:ADDRESS, e.g. example.com:443:127.0.0.1, not '${text}'`);
  }
  return { host: host.toLowerCase(), port: Number(port), addresses };
}

/**
 * A lookup that knows the given addresses for this port, the last one given first, and has addresses of one family where that
 * is asked for; undefined where the system's does.
 */
export function lookupFor(
  resolutions: readonly Resolution[],
  port: number,
  family?: 4 | 6,
): LookupFunction | undefined {
  const known = resolutions.filter((resolution) => resolution.port === port);
  if (known.length === 0 && family === undefined) return undefined;
  return (hostname, options, callback) => {
    const exact = known.findLast(({ host }) => host === hostname.toLowerCase());
    const resolution = exact ?? known.findLast(({ host }) => host === '*');
    if (resolution === undefined) {
      process
        .getBuiltinModule('node:dns')
        .lookup(hostname, family === undefined ? options : { ...options, family }, callback);
      return;
    }
    const all = resolution.addresses
      .map((address) => ({ address, family: isIP(address) }))
      .filter((one) => family === undefined || one.family === family);
    const [first] = all;
    if (options.all === true) callback(null, all);
    else callback(null, first?.address ?? '', first?.family);
  };
}
