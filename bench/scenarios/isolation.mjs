// Small requests beside what blocks their connection, one variant a way; see docs/guides/blocked.md.
const count = 40;
const usual = { work: 'isolation', count, every: 10, limit: 2_000 };

/** Each with what it is in words. `after` the fault, in milliseconds, longer than probeAfter: the connection has been silent. */
const ways = [
  ['nothing blocked', { way: 'none' }],
  ['an upload whose connection is read no more', { way: 'unread', uploads: 1, before: 500 }],
  ['two of those, one after the other', { way: 'unread', uploads: 2, apart: 500 }],
  ['an unread upload holds the connection window', { way: 'starved', uploads: 1, before: 500, post: true }],
  ['the stream limit lowered to 0', { way: 'zero-limit', waiting: 1, after: 50 }],
  ['the connection goes dead', { way: 'black-hole', waiting: 1, after: 1_100 }],
  ['the first connection is accepted and swallowed', { way: 'first-swallowed', cold: true }],
  ['dead, and new ones swallowed for 3 s', { way: 'all-swallowed', waiting: 1, after: 1_100, limit: 5_000 }],
  ['requests refused, then the port closed for 300 ms', { way: 'closed-port', held: true }],
  [
    'two addresses, the process at the first frozen',
    { way: 'frozen-address', waiting: 1, after: 1_100, addresses: ['127.0.0.1', '127.0.0.2'] },
  ],
  ['a download at 10 KB/s on the connection', { way: 'slow-path', downloads: 1, before: 200, after: 1_100 }],
  ['four downloads fill 50 Mbit/s and 20 ms', { way: 'bulk-path', downloads: 4, before: 1_500, every: 25 }],
  ['64 uploads of 10 MB over 5 MB/s and 80 ms', { way: 'upload-path', uploads: 64, before: 1_500, every: 25 }],
];

export const isolation = {
  name: 'isolation',
  title: `${count} small requests beside what blocks their connection, over TLS: how many are answered within 2 s (5 s where new connections are swallowed), the median and the 99th percentile, and the connections that there have been in all`,
  metrics: { inTime: `in time, of ${count}`, p50: 'median ms', p99: 'p99 ms', connections: 'connections' },
  apart: true, // it measures no speed, and takes minutes
  rounds: 1,
  variants: ways.map(([name, job]) => ({
    name,
    server: { kind: 'isolation' },
    clients: ['passinglane', 'undici', 'node:http2', 'grpc-js', 'Go'].map((client) => ({
      client,
      job: { ...usual, uploadSize: 10 << 20, ...job },
    })),
    targets: [],
  })),
};
