import { setTimeout as sleep } from 'node:timers/promises';
import { sentenceOf, TransportError } from '../errors.js';
import type { ClientResponse, RequestOptions } from '../index.js';
import type { GetArguments } from './args.js';
import { CliError, describeFailure, ExitCode, type Failure } from './exit-codes.js';
import { formatField } from '../diagnostics/index.js';
import { fileOutput, standardOutput, type Output } from './output.js';
import { ProgressBar, type Progress } from './progress.js';
import { maxRedirects, nextHop, type HeaderPair, type Hop } from './redirect.js';
import { formBody } from './form.js';
import { receivedField, requestHeaders } from './headers.js';
import { Meter } from './meter.js';
import { statusTextOf } from '../request/index.js';
import { isPassingFailure, isTransientStatus, retryDelay } from './retry.js';
import { dataBody, dataUrl, uploadBody, uploadUrl, type RequestBody } from './data.js';
import { sendRequest } from './send.js';
import type { Session } from './session.js';
import { printable } from './terminal.js';
import { parseUrl, withoutCredentials } from './url.js';
import type { TransferReport } from './write-out.js';

/** One URL, with the -o and -T that belong to it. */
export interface Job {
  readonly url: string;
  /** Which argument of the command line it is of, from 0. */
  readonly number: number;
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
  private timeRedirect = 0;
  private readonly meter = new Meter();
  private connects = 0;
  /** Since when --max-time counts: a retry has all of it. */
  private limitFrom = this.start;
  /** Those of redirects, which -i prints before the last one. */
  private readonly heads: Buffer[] = [];

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
      await this.receive(await this.exchange().catch((error: unknown) => this.printHeads(error)));
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
      sentenceOf(error).replace(/longer than [\d.]+ ms \(timeout\)/, limit),
      'Allow more time with --max-time SECONDS, or see with -v what it was waiting for.',
      error,
    );
  }

  /** Sends the request, follows redirects where asked, and resolves with the last response. */
  private async exchange(): Promise<ClientResponse> {
    const { args, io } = this.session;
    const { upload } = this.job;
    const body = await this.body();
    if (args.dataInQuery) this.url = await dataUrl(this.url, args, io.stdin);
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
      const response = await this.sendAgain(hop, body);
      const next = this.nextOf(hop, response);
      if (next === undefined) return response;
      if (args.head) await this.printHead(response);
      else if (args.include) this.heads.push(this.headOf(response));
      await response.body.dump();
      this.redirects += 1;
      this.timeRedirect = performance.now() - this.start;
      hop = next;
    }
  }

  /** Where -L leads; undefined where it leads nowhere. */
  private nextOf(hop: Hop, response: ClientResponse): Hop | undefined {
    const { args } = this.session;
    if (!args.location) return undefined;
    try {
      const next = nextHop(hop, response.status, receivedField(response, 'location'), args.method !== undefined);
      if (next === undefined || this.redirects < maxRedirects) return next;
      throw new CliError(
        ExitCode.TooManyRedirects,
        `gave up after ${maxRedirects} redirects`,
        'See with -v whether they go round in a circle.',
      );
    } catch (error) {
      response.body.cancel();
      if (args.include) this.heads.push(this.headOf(response));
      throw error;
    }
  }

  private body(): Promise<RequestBody | undefined> {
    const { args, io } = this.session;
    if (this.job.upload !== undefined) return uploadBody(this.job.upload, io.stdin);
    if (args.forms.length > 0) return formBody(args, io.stdin);
    return args.dataInQuery ? Promise.resolve(undefined) : dataBody(args, io.stdin);
  }

  /** Sends it as often as --retry allows, while what comes of it may pass. */
  private async sendAgain(hop: Hop, body: RequestBody | undefined): Promise<ClientResponse> {
    const { args } = this.session;
    for (let retries = 0; ; retries++) {
      const last = retries === args.retry || (body !== undefined && isStream(body));
      let retryAfter: string | null = null;
      let why: string;
      const { sizeHeader, sizeRequest } = this.meter;
      try {
        const response = await this.send(hop, body);
        if (last || !isTransientStatus(response.status)) return response;
        retryAfter = receivedField(response, 'retry-after');
        why = `status ${response.status}`;
        response.body.cancel();
      } catch (error) {
        const { exitCode, message } = describeFailure(error, { url: hop.url, responseBegun: false });
        if (last || !isPassingFailure(exitCode)) throw error;
        why = message;
      }
      const delay = retryDelay(retries, retryAfter);
      this.session.warn(`${printable(why)}: trying again in ${delay / 1000} s; ${args.retry - retries} retries left`);
      await sleep(delay);
      this.meter.sizeHeader = sizeHeader;
      this.meter.sizeRequest = sizeRequest;
      this.limitFrom = performance.now();
    }
  }

  private async send(hop: Hop, body: RequestBody | undefined): Promise<ClientResponse> {
    const { args } = this.session;
    this.url = hop.url;
    this.method = hop.method;
    this.response = undefined;
    const content = hop.withBody && body !== undefined ? this.contentOf(body) : undefined;
    const options: Omit<RequestOptions, 'headers'> = {
      method: hop.method,
      body: content,
      timeout: args.maxTime > 0 ? Math.max(1, args.maxTime - (performance.now() - this.limitFrom)) : undefined,
      // Who listens for them takes any number of them: nobody does without need.
      onInformational: args.writeOut === undefined ? undefined : this.meter.onInformational,
      timing: args.writeOut !== undefined,
    };
    const transport = this.session.transportFor(hop.url);
    const sending = { http1: args.http1, hooks: this.meter.hooks(hop, this.session.userAgent, content) };
    const response = await sendRequest(transport, hop.url, hop.headers, options, sending);
    this.response = response;
    this.meter.received(response);
    this.timeStartTransfer = performance.now() - this.start;
    if (!response.connection.reused) this.connects += 1;
    if (args.verbose && response.httpVersion === '1.1') this.logHttp1(hop, response);
    return response;
  }

  private contentOf(body: RequestBody): RequestBody['content'] {
    if (isStream(body) && this.redirects > 0) {
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
      if (args.head || args.include) await this.printHead(response);
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
    // Of its own on a terminal, so that it does not count as the body's beginning, which is looked at for binary.
    const forHead = this.job.output === undefined ? await this.openOutput() : output;
    if (args.include) await forHead.write(Buffer.concat([...this.heads, this.headOf(response)]));
    const progress = this.progress(response);
    try {
      for await (const chunk of response.body.borrow()) {
        const written = output.write(chunk);
        if (written !== undefined) await written;
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
    const coded = args.compressed && receivedField(response, 'content-encoding') !== null;
    const length = coded ? null : receivedField(response, 'content-length');
    const total = length === null ? undefined : Number(length);
    if (view !== undefined) return view.begin(this.job.output ?? '', total);
    return new ProgressBar(io.stderr, total, () => performance.now());
  }

  /** The response headers as -I prints them, to where the body would go; with -i those of redirects before. */
  private async printHead(response: ClientResponse): Promise<void> {
    const output = await this.openOutput();
    try {
      await output.write(Buffer.concat([...this.heads, this.headOf(response)]));
    } finally {
      await output.close();
    }
  }

  /** Those of redirects that led to no response, and then why. */
  private async printHeads(error: unknown): Promise<never> {
    if (this.heads.length > 0) {
      const output = await this.openOutput();
      await output.write(Buffer.concat(this.heads));
      await output.close();
    }
    throw error;
  }

  private headOf(response: ClientResponse): Buffer {
    const toTerminal = this.job.output === undefined && this.session.io.stdout.isTTY === true;
    const clean = toTerminal ? printable : (text: string): string => text;
    const version = response.httpVersion === '2.0' ? '2' : response.httpVersion;
    const lines = response.headerPairs
      .filter(([name]) => !name.startsWith(':'))
      .map(([name, value]) => clean(`${name}: ${value}`));
    // The second space is there in HTTP/2 too, where no reason phrase follows: as curl prints it.
    const status = clean(`HTTP/${version} ${response.status} ${statusTextOf(response)}`);
    return Buffer.from([status, ...lines, '', ''].join('\r\n'), 'latin1');
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
    const { response, meter } = this;
    const { args } = this.session;
    const connection = response?.connection;
    const dial = connection?.reused === false ? this.session.dials.get(connection.id) : undefined;
    const since = (time: number | undefined): number => (time === undefined ? 0 : Math.max(0, time - this.start));
    const timeTotal = performance.now() - this.start;
    const speed = (bytes: number): number => (timeTotal > 0 ? Math.round(bytes / (timeTotal / 1000)) : 0);
    return {
      url: this.job.url,
      urlNumber: this.job.number,
      redirectUrl: response === undefined || args.location ? '' : leadsTo(response, this.url),
      headers: response?.headerPairs.filter(([name]) => !name.startsWith(':')) ?? [],
      scheme: this.url.protocol.slice(0, -1),
      connects: this.connects,
      timeNameLookup: since(dial?.lookup),
      timeConnect: since(dial?.connect),
      timeAppConnect: since(dial?.secure),
      timePretransfer: since(meter.boundAt),
      timeRedirect: this.timeRedirect,
      speedDownload: speed(this.sizeDownload),
      speedUpload: speed(meter.sizeUpload),
      sizeUpload: meter.sizeUpload,
      sizeHeader: meter.sizeHeader,
      sizeRequest: meter.sizeRequest,
      remotePort: connection?.remotePort,
      localIp: meter.localIp,
      localPort: meter.localPort,
      method: this.method,
      urlEffective: withoutCredentials(this.url).href,
      status: response?.status ?? 0,
      httpVersion: response?.httpVersion ?? '',
      contentType: (response && receivedField(response, 'content-type')) ?? '',
      sizeDownload: this.sizeDownload,
      redirects: this.redirects,
      timeStartTransfer: this.timeStartTransfer,
      timeTotal,
      timing: response?.timing,
      remoteIp: response?.connection.remoteAddress ?? '',
      exitCode: failure?.exitCode ?? ExitCode.Ok,
      errorMessage: failure?.message ?? '',
    };
  }
}

/** It can be read once. */
function isStream({ content }: RequestBody): boolean {
  return typeof content !== 'function' && 'pipe' in content;
}

/** Where a redirect would go that is not followed. */
function leadsTo(response: ClientResponse, base: URL): string {
  const location = response.status >= 300 && response.status < 400 ? receivedField(response, 'location') : null;
  if (location === null) return '';
  return URL.canParse(location, base.href) ? new URL(location, base.href).href : location;
}
