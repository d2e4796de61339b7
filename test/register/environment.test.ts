import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { optionsFrom } from '../../dist/register/environment.js';

const refusal = (variable: string, more: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
  assert.ok(error.message.includes(variable), error.message);
  assert.match(error.message, more);
  return true;
};

test('each variable says the option of its name', () => {
  assert.deepEqual(
    optionsFrom({
      PATH: '/bin',
      PASSINGLANE_ALLOW_HTTP1: 'false',
      PASSINGLANE_CLEARTEXT: 'h2c',
      PASSINGLANE_MAX_CONNECTIONS_PER_ORIGIN: '4',
      PASSINGLANE_KEEP_ALIVE: '1000',
      PASSINGLANE_RETRY: '{"maxAttempts":2}',
      PASSINGLANE_USER_AGENT: '1',
      PASSINGLANE_PROXY: 'http://user:secret@proxy:3128',
    }),
    {
      allowHTTP1: false,
      cleartext: 'h2c',
      maxConnectionsPerOrigin: 4,
      keepAlive: 1000,
      retry: { maxAttempts: 2 },
      userAgent: '1',
      proxy: 'http://user:secret@proxy:3128',
    },
  );
});

test('an empty variable, and what Kubernetes sets for a service of the name, say nothing', () => {
  const environment = {
    PASSINGLANE_PROXY: '',
    PASSINGLANE_PORT_443_TCP: 'tcp://10.0.0.1:443',
    PASSINGLANE_PORT: 'tcp',
  };
  assert.deepEqual(optionsFrom(environment), {});
});

test('a variable that there is not is refused with a list of those that there are', () => {
  assert.throws(
    () => optionsFrom({ PASSINGLANE_CONECT_TIMEOUT: '1' }),
    refusal('PASSINGLANE_CONECT_TIMEOUT', /PASSINGLANE_CONNECT_TIMEOUT, /),
  );
  assert.throws(() => optionsFrom({ PASSINGLANE_OBSERVER: '{}' }), refusal('PASSINGLANE_OBSERVER', /Allowed/));
});

test('text that is not JSON is said to be none, and not shown', () => {
  const wrong = refusal('PASSINGLANE_TLS', /: a string\. Allowed: an object in JSON\.$/);
  assert.throws(() => optionsFrom({ PASSINGLANE_TLS: "{ passphrase: 'secret' }" }), wrong);
});

test('what is none of the values of its option is refused by the name of its variable', () => {
  for (const [variable, text] of [
    ['PASSINGLANE_CONNECT_TIMEOUT', '-1'],
    ['PASSINGLANE_CONNECT_TIMEOUT', 'true'],
    ['PASSINGLANE_STALL_TIMEOUT', '0'],
    ['PASSINGLANE_ALLOW_HTTP1', '1'],
    ['PASSINGLANE_CLEARTEXT', 'h3'],
    ['PASSINGLANE_KEEP_ALIVE', 'often'],
    ['PASSINGLANE_RETRY', '{"maxAttempt":2}'],
    ['PASSINGLANE_TLS', '[]'],
    ['PASSINGLANE_USER_AGENT', 'two\nlines'],
  ] as const)
    assert.throws(() => optionsFrom({ [variable]: text }), refusal(variable, /Allowed: /));
});

test('what may be a secret is not in the error', () => {
  const quiet = (environment: Record<string, string>): void => {
    assert.throws(
      () => optionsFrom(environment),
      (error: Error) => !error.message.includes('secret'),
    );
  };
  quiet({ PASSINGLANE_TLS: '{"passphrase":"secret"' });
  quiet({ PASSINGLANE_TLS: '{"passphrase":"secret"}}' });
  quiet({ PASSINGLANE_PROXY: 'gopher://user:secret@proxy' });
});

test('every variable is in the documents, and no other', () => {
  const text = readFileSync(new URL('../../docs/register.md', import.meta.url), 'utf8');
  const documented = new Set([...text.matchAll(/^\| `(PASSINGLANE_\w+)`/gm)].map(([, name]) => name));
  let known = '';
  try {
    optionsFrom({ PASSINGLANE_NONE: '1' });
  } catch (error) {
    known = (error as Error).message;
  }
  const names = [...known.split('Allowed: ')[1]!.matchAll(/PASSINGLANE_\w+/g)].map(([name]) => name);
  assert.deepEqual(
    names.filter((name) => !documented.has(name)),
    [],
  );
  assert.equal(documented.size, new Set(names.filter((name) => name !== 'PASSINGLANE_')).size);
});
