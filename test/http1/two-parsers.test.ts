/** Our parser of responses beside node:http's, on responses that chance made: what one of them takes, and the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../fuzz/random.js';
import { cut, invent, readOurs, readTheirs, recent } from './two-parsers.js';

/** `PARSER_CASES=1000000 PARSER_SEED=2 node --test build/http1/two-parsers.test.js` looks at more of them. */
const cases = Number(process.env['PARSER_CASES'] ?? 2_000);
const seed = Number(process.env['PARSER_SEED'] ?? 7);

/** What is refused here, and the parser of some Node lets pass. */
const known = [
  'HPE_INVALID_CONSTANT: Expected HTTP/', // behind empty lines
  'HPE_INVALID_VERSION: Invalid HTTP version', // 0.9 and 2.0
  'HPE_INVALID_STATUS: Invalid status code', // below 100
  'HPE_INVALID_STATUS: Invalid response status', // control characters in the reason
  'HPE_INVALID_CONTENT_LENGTH: Invalid character in Content-Length', // beyond 2^53-1
  'HPE_INVALID_TRANSFER_ENCODING: Transfer-Encoding is not chunked', // gzip, identity, chunked twice
  "HPE_INVALID_TRANSFER_ENCODING: Transfer-Encoding can't be present in HTTP/1.0",
  'HPE_INVALID_HEADER_TOKEN: Framing in trailers',
];

test('what is taken for a response, node:http takes for the same; and what is refused beyond that is known', async () => {
  const random = new Random(seed);
  let whole = 0;
  let refused = 0;
  for (let i = 0; i < cases; i++) {
    const method = random.chance(8) ? 'HEAD' : 'GET';
    const bytes = Buffer.from(invent(random), 'latin1');
    const shown = `${method} ${JSON.stringify(bytes.toString('latin1'))}`;
    const ours = readOurs([bytes], method === 'HEAD');
    const theirs = await readTheirs(bytes.subarray(0, ours.whole === undefined ? bytes.length : ours.used), method);
    if (ours.whole !== undefined) {
      whole++;
      assert.deepEqual(theirs.whole, ours.whole, `${shown} ${theirs.refusal}`);
    } else if (theirs.whole !== undefined) {
      refused++;
      assert.ok(!recent || known.includes(ours.refusal ?? 'not whole'), `${shown}: ${ours.refusal}`);
    }
  }
  assert.ok(whole > cases / 4 && refused > cases / 200, `${whole} taken, ${refused} by node:http alone`);
});

test('where reads are cut changes nothing of what is taken', () => {
  const random = new Random(seed);
  for (let i = 0; i < cases; i++) {
    const bytes = Buffer.from(invent(random), 'latin1');
    const { whole, refusal, used } = readOurs([bytes]);
    const inPieces = readOurs(cut(bytes, random));
    const shown = JSON.stringify(bytes.toString('latin1'));
    assert.deepEqual(inPieces.whole, whole, shown);
    if (whole !== undefined) assert.equal(inPieces.used, used, shown);
    // Which of two faults is told of depends on what has come; a line without CR may be told of before its section ends.
    if (refusal !== undefined) assert.ok(inPieces.refusal !== undefined, shown);
  }
});
