import { TransportError } from '../errors.js';
import type { ClientResponse, RequestOptions } from '../index.js';
import type { GetArguments } from './args.js';
import { CliError, describeFailure, ExitCode, usageError, type Failure } from './exit-codes.js';
import { formatField } from '../diagnostics/index.js';
import { fileOutput, standardOutput, type Output } from './output.js';
import { ProgressBar, type Progress } from './progress.js';
import { maxRedirects, nextHop, type HeaderPair, type Hop } from './redirect.js';
import { dataBody, uploadBody, uploadUrl, type RequestBody } from './request-body.js';
import type { Session } from './session.js';
import { printable } from './terminal.js';
import { parseUrl, withoutCredentials } from './url.js';
import type { TransferReport } from './write-out.js';

/** One URL of the command line, with the -o and -T that belong to it. */
export interface Job {
  readonly url: string;
  readonly output: string | undefined;
  readonly upload: string | undefined;
}

/** One URL from request to the last byte of its body, redirects included. */
export class Transfer {
  private readonly session: Session<GetArguments>;
  private readonly job: Job;
  private readonly start = performance.now();
  private url: URL;
  private method = '';
  private response: ClientResponse | undefined;
  private redirects = 0;
  private sizeDownload = 0;
  private timeStartTransfer = 0;

  /** Throws a {@link CliError} with 1 or 3 for what is no http: or https: URL. */
  constructor(session: Session<GetArguments>, job: Job) {
    this.session = session;
    this.job = job;
    this.url = parseUrl(job.url, session.args.http2PriorKnowledge);
  }

  /** Runs it. Never rejects: the failure, if there was one, is part of what it resolves with. */
  async run(): Promise<{ report: TransferReport; failure: Failure | undefined }> {
    let failure: Failure | undefined;
    try {
      await this.receive(await this.exchange());
    } catch (error) {
      const responseBegun = this.response !== undefined;
      const priorKnowledge = this.session.args.http2PriorKnowledge;
      failure = describeFailure(this.inWords(error), { url: this.url, responseBegun, priorKnowledge });
    }
    return { report: this.report(failure), failure };
  }

  /** --max-time is for all hops together, so the time-out of the last one says nothing to the user. */
  private inWords(error: unknown): unknown {
    if (!TransportError.isInstance(error) || error.code !== 'ERR_PASSINGLANE_TIMEOUT') return error;
    const limit = `longer than the ${this.session.args.maxTime / 1000} s of --max-time`;
    return new CliError(
      ExitCode.Timeout,
      error.message.replace(/longer than [\d.]+ ms \(timeout\)/, limit),
      'Allow more time with --max-time SECONDS, or see with -v what it was waiting for.',
      error,
    );
  }

  /** Sends the request, follows redirects where asked, and resolves with the last response. */
  private async exchange(): Promise<ClientResponse> {
    const { args, io } = this.session;
    const { upload } = this.job;
    const body = upload === undefined ? await dataBody(args, io.stdin) : await uploadBody(upload, io.stdin);
    if (upload !== undefined) this.url = uploadUrl(this.url, upload);
    const method =
      args.method ?? (args.head ? 'HEAD' : upload !== undefined ? 'PUT' : body !== undefined ? 'POST' : 'GET');
    let hop: Hop = {
      url: withoutCredentials(this.url),
      method,
      headers: requestHeaders(args, this.url, body),
      withBody: body !== undefined,
    };
    for (;;) {
      const response = await this.send(hop, body);
      const next = args.location
        ? nextHop(hop, response.status, response.headers.get('location'), args.method !== undefined)
        : undefined;
      if (next === undefined) return response;
      if (this.redirects === maxRedirects) {
        response.body.cancel();
        throw new CliError(
          ExitCode.TooManyRedirects,
          `gave up after ${maxRedirects} redirects`,
          'See with -v whether they go round in a circle.',
        );
      }
      if (args.head) await this.printHead(response);
      await response.body.dump();
      this.redirects += 1;
      hop = next;
    }
  }

  private async send(hop: Hop, body: RequestBody | undefined): Promise<ClientResponse> {
    const { args } = this.session;
    this.url = hop.url;
    this.method = hop.method;
    this.response = undefined;
    const options: RequestOptions = {
      method: hop.method,
      headers: hop.headers,
      body: hop.withBody && body !== undefined ? this.contentOf(body) : undefined,
      timeout: args.maxTime > 0 ? Math.max(1, args.maxTime - (performance.now() - this.start)) : undefined,
    };
    const response = await this.session.transportFor(hop.url).request(hop.url, options);
    this.response = response;
    this.timeStartTransfer = performance.now() - this.start;
    if (args.verbose && response.httpVersion === '1.1') this.logHttp1(hop, response);
    return response;
  }

  private contentOf(body: RequestBody): RequestBody['content'] {
    const isStream = typeof body.content !== 'function' && !(body.content instanceof Uint8Array);
    if (isStream && this.redirects > 0) {
      throw new CliError(
        ExitCode.Rewind,
        `the redirect to ${this.url.href} asks for the body again, and standard input cannot be read twice`,
        'Upload from a file, or use the URL that it redirects to.',
      );
    }
    return body.content;
  }

  /** Brings the body to where it belongs. */
  private async receive(response: ClientResponse): Promise<void> {
    const { args } = this.session;
    if (args.fail && response.status >= 400) {
      response.body.cancel();
      throw new CliError(
        ExitCode.HttpError,
        `${this.url.href} answered with status ${response.status}`,
        'Without -f the body of the answer is shown.',
      );
    }
    if (args.head) {
      await this.printHead(response);
      await response.body.dump();
      return;
    }
    const output = await this.openOutput();
    const progress = this.progress(response);
    try {
      for await (const chunk of response.body) {
        await output.write(chunk);
        this.sizeDownload += chunk.length;
        progress?.advance(chunk.length);
      }
    } finally {
      progress?.finish();
      await output.close();
    }
  }

  private openOutput(): Promise<Output> | Output {
    const { output } = this.job;
    if (output === undefined || output === '-') return standardOutput(this.session.io.stdout, output === undefined);
    return fileOutput(output);
  }

  private progress(response: ClientResponse): Progress | undefined {
    const { args, io, view } = this.session;
    const toFile = this.job.output !== undefined && this.job.output !== '-';
    if (!toFile || args.silent || args.verbose || io.stderr.isTTY !== true) return undefined;
    // The length is that of the coded body, which says nothing of the decoded one.
    const coded = args.compressed && response.headers.has('content-encoding');
    const length = coded ? null : response.headers.get('content-length');
    const total = length === null ? undefined : Number(length);
    if (view !== undefined) return view.begin(this.job.output ?? '', total);
    return new ProgressBar(io.stderr, total, () => performance.now());
  }

  /** The response headers as -I prints them, to where the body would go. */
  private async printHead(response: ClientResponse): Promise<void> {
    const toTerminal = this.job.output === undefined && this.session.io.stdout.isTTY === true;
    const clean = toTerminal ? printable : (text: string): string => text;
    const version = response.httpVersion === '2.0' ? '2' : response.httpVersion;
    const lines = response.headerPairs
      .filter(([name]) => !name.startsWith(':'))
      .map(([name, value]) => clean(`${name}: ${value}`));
    const output = await this.openOutput();
    try {
      await output.write(Buffer.from([`HTTP/${version} ${response.status}`, ...lines, '', ''].join('\r\n'), 'latin1'));
    } finally {
      await output.close();
    }
  }

  /** HTTP/1.1 has no frames to show: the request line, the status line and the fields instead. */
  private logHttp1(hop: Hop, response: ClientResponse): void {
    const { args, io, palette } = this.session;
    const show = (arrow: string, line: string, fields: Iterable<HeaderPair>): void => {
      io.stderr.write(`${arrow} ${line}\n`);
      for (const [name, value] of fields) io.stderr.write(`${arrow} ${formatField(name, value, args.showSecrets)}\n`);
    };
    show(palette.cyan('>'), `${hop.method} ${response.url.slice(hop.url.origin.length)} HTTP/1.1`, hop.headers);
    show(palette.green('<'), `HTTP/1.1 ${response.status}`, response.headerPairs);
  }

  private report(failure: Failure | undefined): TransferReport {
    const { response } = this;
    return {
      method: this.method,
      urlEffective: withoutCredentials(this.url).href,
      status: response?.status ?? 0,
      httpVersion: response?.httpVersion ?? '',
      contentType: response?.headers.get('content-type') ?? '',
      sizeDownload: this.sizeDownload,
      redirects: this.redirects,
      timeStartTransfer: this.timeStartTransfer,
      timeTotal: performance.now() - this.start,
      remoteIp: response?.connection.remoteAddress ?? '',
      exitCode: failure?.exitCode ?? ExitCode.Ok,
      errorMessage: failure?.message ?? '',
    };
  }
}

/** The -H lines with the defaults that they leave in place. Throws a {@link CliError} with 2 for what is no header. */
export function requestHeaders(
  args: Pick<GetArguments, 'headers' | 'json'>,
  url: URL,
  body: RequestBody | undefined,
): HeaderPair[] {
  const given: HeaderPair[] = [];
  const settled = new Set<string>();
  for (const line of args.headers) {
    const match = /^([^:;\s]+)(?::[ \t]*(.*?)[ \t]*|;)$/s.exec(line);
    const name = match?.[1];
    if (name === undefined) throw usageError(`-H needs 'Name: value', not '${printable(line.slice(0, 40))}'`);
    settled.add(name.toLowerCase());
    if (match?.[2] !== '') given.push([name, match?.[2] ?? '']);
  }
  const defaults: (readonly [string, string | undefined])[] = [
    ['accept', args.json ? 'application/json' : '*/*'],
    ['content-type', body?.contentType],
    ['content-length', body?.length === undefined ? undefined : String(body.length)],
    ['authorization', basicCredentials(url)],
  ];
  const kept = defaults.flatMap(([name, value]) =>
    value === undefined || settled.has(name) ? [] : [[name, value] as const],
  );
  return [...kept, ...given];
}

function basicCredentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}
