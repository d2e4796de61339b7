import type { ClientResponse } from '../index.js';
import { statusTextOf, wireFields, type RequestHooks } from '../request/index.js';
import type { HeaderPair, Hop } from './redirect.js';
import type { RequestBody } from './data.js';
import { fieldPairs } from '../field-list.js';

/** Counts, for -w, what a transfer sends and receives around the body of its last response. */
export class Meter {
  /** Of all responses so far, redirects and 1xx included: as text, whatever they came as. */
  sizeHeader = 0;
  /** Of the heads of all requests so far that were given a connection, redirects included: as text, like those. */
  sizeRequest = 0;
  /** When the last request was given a connection, of performance.now(); undefined until one was. */
  boundAt: number | undefined = undefined;
  /** Where the last request's connection begins. */
  localIp: string | undefined = undefined;
  localPort: number | undefined = undefined;
  private sent = { bytes: 0 };
  /** The 1xx of the request under way, as either HTTP would have them. */
  private interim = { '1.1': 0, '2.0': 0 };

  /** Bytes of the last request's body that its connection was given; one that is at hand as a whole counts once it is. */
  get sizeUpload(): number {
    return this.sent.bytes;
  }

  /** For the request that is sent now; `userAgent` goes out where it names none. */
  hooks(hop: Hop, userAgent: string, content: RequestBody['content'] | undefined): RequestHooks {
    const { sizeRequest } = this;
    const sent = { bytes: 0 };
    this.sent = sent;
    this.interim = { '1.1': 0, '2.0': 0 };
    return {
      // Also where the transport sends it again, with its body from the beginning.
      onAssigned: (_, { localAddress, localPort }) => {
        this.localIp = localAddress;
        this.localPort = localPort;
        this.boundAt = performance.now();
        this.sizeRequest = sizeRequest + requestSize(hop, userAgent, content);
        sent.bytes = 0;
      },
      onPiece: (piece) => {
        sent.bytes += piece.length;
      },
      onSent: () => {
        if (content instanceof Uint8Array) sent.bytes = content.length;
      },
    };
  }

  /** Which HTTP it came in the response says, and the reason phrase nobody: it is taken for the usual one. */
  readonly onInformational = (status: number, headers: Headers): void => {
    // Loaded here: most have none, and it takes longer than a small request.
    const { STATUS_CODES } = process.getBuiltinModule('node:http');
    this.interim['1.1'] += headSize('1.1', status, STATUS_CODES[status] ?? '', headers);
    this.interim['2.0'] += headSize('2.0', status, '', headers);
  };

  /** Its fields as they came: those that describe a coded body are there too where it is decoded. */
  received(response: ClientResponse): void {
    const { httpVersion, status } = response;
    this.sizeHeader +=
      this.interim[httpVersion] +
      headSize(httpVersion, status, statusTextOf(response), fieldPairs(wireFields(response)));
  }
}

/** As curl counts: the status line has its second space in HTTP/2 too, where no reason phrase follows. */
function headSize(httpVersion: '1.1' | '2.0', status: number, phrase: string, fields: Iterable<HeaderPair>): number {
  const version = httpVersion === '2.0' ? '2' : httpVersion;
  let size = `HTTP/${version} ${status} ${phrase}\r\n\r\n`.length;
  for (const [name, value] of fields) if (!name.startsWith(':')) size += `${name}: ${value}\r\n`.length;
  return size;
}

/** As curl counts in HTTP/2: a request line and fields, as HTTP/1.1 would have them. */
function requestSize(
  { method, url, headers }: Hop,
  userAgent: string,
  content: RequestBody['content'] | undefined,
): number {
  let size = `${method} ${url.pathname}${url.search} HTTP/2\r\n\r\n`.length;
  const own = new Set(headers.map(([name]) => name.toLowerCase()));
  const ours: HeaderPair[] = [
    ['host', url.host],
    ['user-agent', userAgent],
    ['content-length', content instanceof Uint8Array ? String(content.length) : ''],
  ];
  const fields = [...ours.filter(([name, value]) => value !== '' && !own.has(name)), ...headers];
  for (const [name, value] of fields) size += `${name}: ${value}\r\n`.length;
  return size;
}
