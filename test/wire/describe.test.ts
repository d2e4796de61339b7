import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodeName, errorCodeNames } from '../../dist/errors.js';
import { ErrorCode, FrameType, SettingId } from '../../dist/wire/constants.js';
import { flagNames, frameTypeName, settingName } from '../../dist/wire/describe.js';

/** WindowUpdate becomes WINDOW_UPDATE. */
function upper(key: string): string {
  return key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
}

test('error codes 0x0 to 0xd have their standard names, and others print as hex', () => {
  assert.equal(errorCodeNames.length, 14);
  for (const [key, code] of Object.entries(ErrorCode)) {
    const name = key === 'Http11Required' ? 'HTTP_1_1_REQUIRED' : upper(key);
    assert.equal(errorCodeName(code), name);
  }
  assert.equal(errorCodeName(0xe), '0xe');
  assert.equal(errorCodeName(0xffffffff), '0xffffffff');
});

test('every frame type has its name, and unknown ones print with their number', () => {
  for (const [key, type] of Object.entries(FrameType)) {
    const name = key === 'AltSvc' || key === 'GoAway' ? key.toUpperCase() : upper(key);
    assert.equal(frameTypeName(type), name);
  }
  assert.equal(frameTypeName(0xb), 'UNKNOWN_FRAME_TYPE_11');
});

test('settings 1 to 6, 8 and 9 have their names, and unknown ones print with their number', () => {
  assert.deepEqual(Object.values(SettingId), [1, 2, 3, 4, 5, 6, 8, 9]);
  for (const [key, id] of Object.entries(SettingId)) {
    assert.equal(settingName(id), key === 'NoRfc7540Priorities' ? 'NO_RFC7540_PRIORITIES' : upper(key));
  }
  assert.equal(settingName(7), 'UNKNOWN_SETTING_7');
});

test('the same bit has the name that its frame type gives it', () => {
  assert.deepEqual(flagNames(FrameType.Data, 0x9), ['END_STREAM', 'PADDED']);
  assert.deepEqual(flagNames(FrameType.Headers, 0x2d), ['END_STREAM', 'END_HEADERS', 'PADDED', 'PRIORITY']);
  assert.deepEqual(flagNames(FrameType.Ping, 0x1), ['ACK']);
  assert.deepEqual(flagNames(FrameType.Ping, 0x0), []);
});

test('flags that a type does not define are shown as a number', () => {
  assert.deepEqual(flagNames(FrameType.Settings, 0xf1), ['ACK', '0xf0']);
  assert.deepEqual(flagNames(0x99, 0x05), ['0x5']);
});
