import { anyFrame, block, data, goAway, headers, ok, type Rule } from './transcript.js';

const failed = (code: string): string => `ERR_PASSINGLANE_PROTOCOL ${code}`;

/** RFC 7541: what a decoder must refuse; each is a connection error of type COMPRESSION_ERROR (RFC 9113 section 4.3). */
const blocks: readonly (readonly [section: string, must: string, bytes: string])[] = [
  ['2.3.3', 'an index beyond both tables', 'be'],
  ['4.2', 'a table size update after a field', '8820'],
  ['5.1', 'an integer beyond what the decoder takes', 'ffffffffffffff7f'],
  ['5.2', 'a Huffman string with EOS in it', '8800016184ffffffff'],
  ['5.2', 'Huffman padding of more than 7 bits', '88000161821fff'],
  ['5.2', 'Huffman padding that is not ones', '880001618118'],
  ['5.2', 'a string that is longer than its block', '880a05616263'],
  ['6.1', 'index 0', '80'],
  ['6.3', 'a table size update above SETTINGS_HEADER_TABLE_SIZE', '3fe23f'],
];

const compression: readonly Rule[] = [
  ...blocks.map(([section, must, hex]): Rule => ({
    rfc: 7541,
    section,
    must: `${must} is a decoding error`,
    given: 'request',
    arrives: [block(Buffer.from(hex, 'hex'))],
    sends: ['GOAWAY COMPRESSION_ERROR'],
    caller: failed('COMPRESSION_ERROR'),
    connection: 'COMPRESSION_ERROR',
  })),
  ...(
    [
      [
        '2.2',
        'blocks are decoded in order, and their fields emitted in order',
        'each block decodes to the printed fields and table',
      ],
      ['2.3.2', 'entries are evicted oldest first, and duplicates are allowed', 'entries are evicted oldest first'],
      [
        '4.2',
        'after a reduction the next block begins with a table size update',
        [
          'once the table was lowered, the next block must start with an update to at most that',
          'a smaller header table of ours binds the peer from its ACK on, and the next block has to say so',
          'a size change is announced at the start of the next block',
        ],
      ],
      ['4.3', 'entries are evicted when the table shrinks', 'a dip evicts what did not fit'],
      ['4.4', 'an entry larger than the table empties it, and is no error', 'a field larger than the table empties it'],
      [
        '6.2.3',
        'never-indexed fields are sent as such',
        'a sensitive field is never indexed, neither matches by value nor enters the table',
      ],
      ['7.1.3', 'credentials and short cookies are never indexed', 'credentials and short cookies are never indexed'],
      ['7.3', 'memory is bounded by the table size', 'the decoder’s table holds at most capacity / 32 entries'],
      ['7.4', 'limits on integers and strings hold', 'a value beyond the limit is reported as oversize and not built'],
    ] as const
  ).map(([section, must, test]): Rule => ({ rfc: 7541, section, must, test })),
];

/** RFC 9110, as far as a client that is no cache and follows no redirect has to keep it; and the extensions. */
const semantics: readonly Rule[] = [
  ...(
    [
      ['4.2.4', 'user-info is not sent', 'user-info is refused, in the authority and in a host field'],
      [
        '4.3.4',
        "a certificate is verified against the origin's host",
        [
          'a certificate for another name is refused, unless that is the servername',
          'an untrusted certificate is refused',
        ],
      ],
      ['5.3', 'several fields of one name keep their order', 'fields arrive in wire order, repeated ones one by one'],
      ['5.5', 'CR, LF and NUL in a value are not passed on', 'a value with a control character is malformed'],
      [
        '6.4.1',
        'responses to HEAD, 204 and 304 have no content',
        'a response to HEAD, a 204 and a 304 may declare a length, and end with empty DATA',
      ],
      [
        '6.5.1',
        'fields of framing and routing are not sent as trailers',
        'framing, routing and connection fields are refused as trailers',
      ],
      [
        '7.2',
        'host is sent as :authority',
        'a host field of the caller becomes the authority and is not sent as a field',
      ],
      [
        '8.4',
        'content codings are undone in the reverse of their order',
        'codings are undone in the reverse of the order in which they were applied',
      ],
      [
        '8.6',
        'an invalid Content-Length is not used, and a list that repeats one number is that number',
        [
          'a list that repeats one length is that length',
          'a content-length that is invalid or contradicts another makes the response malformed',
        ],
      ],
      [
        '8.6',
        'no Content-Length is sent that is not the length of the content',
        'a content-length of the caller must be right',
      ],
      [
        '9.2.2',
        'a request that is not idempotent is not sent again by itself once it may have been acted on',
        [
          'when the connection drops, what was sent fails and is not sent again, and what waited is sent',
          'a reset with any other code is final',
        ],
      ],
      [
        '10.1.1',
        'no 100-continue expectation without content, and no waiting for 100 without end',
        ['an expect field of the caller passes, and ours is not sent twice or without content'],
      ],
      [
        '15.2',
        '1xx responses are parsed, also unexpected ones',
        'any number of 1xx blocks of any code come before the final one',
      ],
    ] as const
  ).map(([section, must, test]): Rule => ({ rfc: 9110, section, must, test })),
  {
    rfc: 8441,
    section: '3',
    must: 'SETTINGS_ENABLE_CONNECT_PROTOCOL is 0 or 1 and not taken back; extended CONNECT is not used without it',
    test: 'ENABLE_CONNECT_PROTOCOL may not be taken back',
  },
  {
    rfc: 9218,
    section: '7.1',
    must: 'PRIORITY_UPDATE that a server sends is no more than discarded; one for stream 0 is a connection error of type PROTOCOL_ERROR',
    given: 'request',
    arrives: [anyFrame(0x10, 0, 0, Buffer.of(0, 0, 0, 1)), anyFrame(0x10, 0, 0, Buffer.of(0, 0, 0, 0))],
    sends: ['GOAWAY PROTOCOL_ERROR'],
    caller: failed('PROTOCOL_ERROR'),
    connection: 'PROTOCOL_ERROR',
  },
  {
    rfc: 7838,
    section: '4',
    must: 'ALTSVC may be ignored: it changes nothing, on stream 0 or another',
    given: 'request',
    arrives: [anyFrame(0xa, 0, 0, 20), anyFrame(0xa, 0, 1, 20), headers(ok, { end: true })],
    sends: [],
    caller: '200, whole',
    connection: 'lives',
  },
  {
    rfc: 8336,
    section: '2',
    must: 'ORIGIN on a stream other than 0 is ignored, and so is one that a client does not use',
    given: 'request',
    arrives: [anyFrame(0xc, 0, 0, 20), anyFrame(0xc, 0, 1, 20), headers(ok, { end: true })],
    sends: [],
    caller: '200, whole',
    connection: 'lives',
  },
  {
    rfc: 9113,
    section: '6.8',
    must: 'GOAWAY lets the streams up to its last identifier finish',
    given: 'request',
    arrives: [goAway(1, 0), headers(ok), data('abc', { end: true })],
    sends: [],
    caller: '200, body "abc", whole',
    connection: 'closes',
  },
];

export const semanticRules: readonly Rule[] = [...compression, ...semantics];
