import assert from 'node:assert/strict';
import { isIP, type LookupFunction } from 'node:net';
import { test } from 'node:test';
import { familyOf, interleaveFamilies } from '../../dist/node/address.js';
import { Resolver, type ResolverOptions } from '../../dist/node/resolver.js';

const never = new AbortController().signal;

/** The addresses that a dial is given. */
function resolveAddresses(hostname: string, options: ResolverOptions, signal: AbortSignal): Promise<readonly string[]> {
  return new Resolver(options).connect(hostname, (addresses) => Promise.resolve(addresses), signal);
}

test('families take turns, beginning with that of the first address', () => {
  assert.deepEqual(interleaveFamilies(['::1', '::2', '::3', '10.0.0.1']), ['::1', '10.0.0.1', '::2', '::3']);
  assert.deepEqual(interleaveFamilies(['10.0.0.1', '::1', '::2', '::3']), ['10.0.0.1', '::1', '::2', '::3']);
  assert.deepEqual(interleaveFamilies(['10.0.0.1', '10.0.0.2', '::1']), ['10.0.0.1', '::1', '10.0.0.2']);
  assert.deepEqual(interleaveFamilies(['10.0.0.1', '10.0.0.2']), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(interleaveFamilies([]), []);
});

test('a literal address is not looked up', async () => {
  const lookup: LookupFunction = () => assert.fail('looked up');
  for (const address of ['127.0.0.1', '::1', 'fe80::1%lo']) {
    assert.deepEqual(await resolveAddresses(address, { lookup }, never), [address]);
  }
});

test('a lookup is asked for all addresses, of the family of localAddress where there is one', async () => {
  const asked: unknown[] = [];
  const lookup: LookupFunction = (hostname, options, callback) => {
    asked.push([hostname, options.all, options.family]);
    callback(null, [{ address: '10.0.0.1', family: 4 }]);
  };
  assert.deepEqual(await resolveAddresses('a.test', { lookup }, never), ['10.0.0.1']);
  await resolveAddresses('b.test', { lookup, localAddress: '::1' }, never);
  assert.deepEqual(asked, [
    ['a.test', true, 0],
    ['b.test', true, 6],
  ]);
});

test('a lookup that knows only one address may answer with it alone', async () => {
  const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, '10.0.0.1', 4);
  assert.deepEqual(await resolveAddresses('a.test', { lookup }, never), ['10.0.0.1']);
});

for (const when of ['at once', 'later'])
  test(`a lookup that answers with what is no address ${when} is an error of the dial`, async () => {
    const wrong = [
      undefined,
      null,
      5,
      'a.test',
      ['10.0.0.1'],
      [{}],
      [null],
      [{ address: 'a.test' }],
      { address: '::1' },
    ];
    for (const answer of wrong) {
      const lookup: LookupFunction = (_hostname, _options, callback) => {
        if (when === 'later') setImmediate(callback, null, answer as string);
        else callback(null, answer as string);
      };
      await assert.rejects(resolveAddresses('b.test', { lookup }, never), {
        code: 'ERR_INVALID_IP_ADDRESS',
        message: /^the lookup of b\.test gave something else than addresses/,
      });
    }
  });

test('a lookup that fails, throws or finds nothing is an error', async () => {
  const failing: LookupFunction = (_hostname, _options, callback) => callback(new Error('no server'), '');
  await assert.rejects(resolveAddresses('a.test', { lookup: failing }, never), { message: 'no server' });
  const throwing: LookupFunction = () => {
    throw new Error('broken');
  };
  await assert.rejects(resolveAddresses('a.test', { lookup: throwing }, never), { message: 'broken' });
  const empty: LookupFunction = (_hostname, _options, callback) => callback(null, []);
  await assert.rejects(resolveAddresses('a.test', { lookup: empty }, never), { code: 'ENOTFOUND' });
});

test('an abort does not wait for the lookup', async () => {
  const controller = new AbortController();
  const resolving = resolveAddresses('a.test', { lookup: () => undefined }, controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(resolving, (error) => error === reason);
});

test('the family of a host is what net.isIP says', () => {
  const hosts = [
    '127.0.0.1',
    '256.0.0.1',
    '1.2.3',
    '::1',
    '2001:db8::1%eth0',
    'fe80::zz',
    'a:b',
    '::ffff:10.0.0.1',
    'example.com',
    'localhost',
    '',
  ];
  for (const host of hosts) assert.equal(familyOf(host), isIP(host), host);
});
