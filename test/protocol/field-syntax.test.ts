import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseContentLength, parseReceivedContentLength } from '../../dist/protocol/content-length.js';
import {
  classOf,
  connectionSpecific,
  FieldClass,
  fieldSize,
  hasOuterBlank,
  isFieldValue,
  isLowerCaseToken,
  isToken,
  lowerCaseAscii,
  quoteName,
  trimBlanks,
} from '../../dist/protocol/field-syntax.js';

const everyCharacter = Array.from({ length: 0x200 }, (_, code) => String.fromCharCode(code));
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...everyCharacter) }));

test('a token is made of the characters of RFC 9110 section 5.6.2 and no others', () => {
  for (const c of everyCharacter) assert.equal(isToken(c), /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(c), quoteName(c));
  assert.equal(isToken(''), false);
});

test('a field name on the wire has no upper case (RFC 9113 section 8.2.1)', () => {
  for (const c of everyCharacter) {
    assert.equal(isLowerCaseToken(c), /^[!#$%&'*+\-.^_`|~0-9a-z]$/.test(c), quoteName(c));
  }
  assert.equal(isLowerCaseToken(''), false);
  assert.equal(isLowerCaseToken('x-aB'), false);
});

test('a field value has no control character but HTAB, no DEL, and nothing above 0xff', () => {
  for (const c of everyCharacter) assert.equal(isFieldValue(`a${c}`), /^[\t\x20-\x7e\x80-\xff]$/.test(c), quoteName(c));
  assert.equal(isFieldValue(''), true);
});

test('blanks around a value are noticed, and trimmed without touching those inside', () => {
  for (const value of [' a', 'a ', '\ta', 'a\t', ' ', '\t']) assert.equal(hasOuterBlank(value), true, quoteName(value));
  for (const value of ['', 'a', 'a b', '\u00a0a']) assert.equal(hasOuterBlank(value), false, quoteName(value));
  assert.equal(trimBlanks(' \t a b\t '), 'a b');
  assert.equal(trimBlanks(' \t '), '');
  assert.equal(trimBlanks('\u00a0a'), '\u00a0a');
});

test('lower case is ASCII only, so a look-alike never becomes a letter', () => {
  assert.equal(lowerCaseAscii('Content-Type'), 'content-type');
  assert.equal(lowerCaseAscii('chun\u212Aed'), 'chun\u212Aed');
  assert.equal(lowerCaseAscii('X\u212A\u0130\u00C0'), 'x\u212A\u0130\u00C0');
  const name = 'content-type';
  assert.equal(lowerCaseAscii(name), name);
});

test('lower case agrees with a letter-by-letter rule for any text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const slow = Array.from(text)
        .map((c) => (c >= 'A' && c <= 'Z' ? c.toLowerCase() : c))
        .join('');
      assert.equal(lowerCaseAscii(text), slow);
    }),
  );
});

test('the class of a name is Invalid exactly when it is no lower-case token', () => {
  fc.assert(
    fc.property(anyText, (name) => {
      assert.equal(classOf(name) === FieldClass.Invalid, !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name));
    }),
  );
  for (const name of connectionSpecific) assert.equal(classOf(name), FieldClass.ConnectionSpecific);
  assert.equal(classOf('constructor'), FieldClass.Ordinary);
  assert.equal(classOf('__proto__'), FieldClass.Ordinary);
});

test('a field counts for its lengths and 32 (RFC 9113 section 6.5.2)', () => {
  assert.equal(fieldSize('a', 'bc'), 35);
  assert.equal(fieldSize('', ''), 32);
});

test('a name in a message is quoted and bounded', () => {
  assert.equal(quoteName('a\nb'), '"a\\nb"');
  assert.ok(quoteName('x'.repeat(10_000)).length < 120);
});

test('a content-length is digits up to 2^53-1 and nothing else', () => {
  assert.equal(parseContentLength('0'), 0);
  assert.equal(parseContentLength('007'), 7);
  assert.equal(parseContentLength('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const bad of [
    '',
    '+1',
    '-1',
    '1.0',
    '1e3',
    '0x1',
    ' 1',
    '1 ',
    '1,1',
    '\u0661',
    '9007199254740992',
    '9'.repeat(400),
  ]) {
    assert.equal(parseContentLength(bad), -1, quoteName(bad));
  }
});

test('RFC 9110 section 8.6: a list that repeats one length is that length', () => {
  assert.equal(parseReceivedContentLength('42'), 42);
  assert.equal(parseReceivedContentLength('42, 42,42'), 42);
  for (const bad of ['42, 43', '42,', ',42', ',', '42, x', '']) {
    assert.equal(parseReceivedContentLength(bad), -1, quoteName(bad));
  }
});
