import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeOut, writeOutVariables, type TransferReport } from '../../dist/cli/write-out.js';

const report: TransferReport = {
  method: 'GET',
  url: 'a/b',
  scheme: 'https',
  remotePort: 8443,
  localIp: '127.0.0.2',
  localPort: 50_000,
  connects: 1,
  urlNumber: 1,
  redirectUrl: 'https://a/c',
  headers: [
    ['date', 'today'],
    ['set-cookie', 'a="1"'],
    ['set-cookie', 'b=2'],
  ],
  timeNameLookup: 1,
  timeConnect: 2,
  timeAppConnect: 3.5,
  speedDownload: 823,
  urlEffective: 'https://a/b',
  status: 200,
  httpVersion: '2.0',
  contentType: 'text/plain',
  sizeDownload: 1234,
  sizeUpload: 99,
  sizeHeader: 120,
  sizeRequest: 79,
  timePretransfer: 4,
  timeRedirect: 2500,
  speedUpload: 66,
  redirects: 2,
  timeStartTransfer: 12.3456,
  timeTotal: 1500,
  timing: {
    queue: 1,
    lookup: 2,
    connect: 3,
    tls: 4,
    upload: 5,
    stall: 6,
    window: 7,
    peer: 8.5,
    reader: 9,
    total: 45.5,
  },
  remoteIp: '::1',
  exitCode: 0,
  errorMessage: '',
};

test('-w fills in what curl fills in, in its form', () => {
  const format = '%{http_code}|%{size_download}|%{time_total}|%{time_starttransfer}|%{url_effective}|%{http_version}';
  assert.equal(writeOut(format, report).stdout, '200|1234|1.500000|0.012346|https://a/b|2');
  assert.equal(writeOut('%{num_redirects} %{content_type} %{remote_ip}', report).stdout, '2 text/plain ::1');
});

test('a transfer without a response has 000 for a status and 0 for a version', () => {
  const failed = { ...report, status: 0, httpVersion: '', exitCode: 7, errorMessage: 'refused' };
  assert.equal(writeOut('%{http_code} %{http_version} %{exitcode} %{errormsg}', failed).stdout, '000 0 7 refused');
});

test('HTTP/1.1 is written as 1.1', () => {
  assert.equal(writeOut('%{http_version}', { ...report, httpVersion: '1.1' }).stdout, '1.1');
});

test('escapes are line ends and tabs, %% is a percent sign, and what is neither stays', () => {
  assert.equal(
    writeOut('a\\nb\\tc\\rd\\\\n\\q%%{http_code} 5% {x}', report).stdout,
    'a\nb\tc\rd\\n\\q%{http_code} 5% {x}',
  );
});

test('a name that is not known stays as it is and is reported', () => {
  assert.deepEqual(writeOut('%{nothing}%{http_code}%{toString}', report), {
    stdout: '%{nothing}200%{toString}',
    stderr: '',
    unknown: ['nothing', 'toString'],
  });
});

test('every name that the help text lists is known', () => {
  for (const name of writeOutVariables) assert.deepEqual(writeOut(`%{${name}}`, report).unknown, [], name);
});

test('the phases of connecting, sizes, ports and all of it as JSON are there', () => {
  const format =
    '%{time_namelookup} %{time_connect} %{time_appconnect} %{speed_download} %{remote_port} %{num_connects}';
  assert.equal(writeOut(format, report).stdout, '0.001000 0.002000 0.003500 823 8443 1');
  const all = JSON.parse(writeOut('%{json}', report).stdout) as Record<string, unknown>;
  assert.deepEqual([all['http_code'], all['time_total'], all['url'], all['scheme']], [200, 1.5, 'a/b', 'HTTPS']);
});

test('what went up, the headers, and the redirects have their sizes and times', () => {
  const format = '%{size_upload} %{size_header} %{size_request} %{speed_upload} %{time_pretransfer} %{time_redirect}';
  assert.deepEqual(writeOut(format, report), { stdout: '99 120 79 66 0.004000 2.500000', stderr: '', unknown: [] });
});

test('-w tells the parts of the last request, which are 0 where no response came', () => {
  const format = '%{time_in_queue} %{time_in_peer} %{time_in_reader}';
  assert.equal(writeOut(format, report).stdout, '0.001000 0.008500 0.009000');
  assert.equal(writeOut(format, { ...report, timing: undefined }).stdout, '0.000000 0.000000 0.000000');
  const all = JSON.parse(writeOut('%{json}', report).stdout) as Record<string, unknown>;
  assert.deepEqual([all['time_in_tls'], all['time_in_stall'], all['time_in_window']], [0.004, 0.006, 0.007]);
});

test('where a redirect would lead, the number of the URL and that of the fields are there, and the fields as JSON', () => {
  const written = writeOut('%{redirect_url} %{urlnum} %{num_headers}\\n%{header_json}', report).stdout;
  assert.equal(written, 'https://a/c 1 3\n{"date":["today"],\n"set-cookie":["a=\\"1\\"","b=2"]\n}');
});

test('%{stderr} and %{stdout} say where what follows goes, and %{onerror} shows the rest after a failure alone', () => {
  const format = 'a%{stderr}b%{stdout}c%{onerror}%{stderr}%{exitcode}';
  assert.deepEqual(writeOut(format, report), { stdout: 'ac', stderr: 'b', unknown: [] });
  assert.deepEqual(writeOut(format, { ...report, exitCode: 7 }), { stdout: 'ac', stderr: 'b7', unknown: [] });
});
