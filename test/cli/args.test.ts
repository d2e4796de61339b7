import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getOptions, parseGetArguments } from '../../dist/cli/args.js';
import { benchOptions } from '../../dist/cli/bench/arguments.js';
import { demoOptions } from '../../dist/cli/demo/arguments.js';
import { benchHelp, demoHelp, getHelp, helpText, pingHelp, viewHelp } from '../../dist/cli/help.js';
import { pingOptions } from '../../dist/cli/ping.js';
import { viewOptions } from '../../dist/cli/view.js';
import { CliError, ExitCode } from '../../dist/cli/exit-codes.js';

function refused(argv: readonly string[], message: RegExp): void {
  assert.throws(
    () => parseGetArguments(argv),
    (error: unknown) => error instanceof CliError && error.exitCode === 2 && message.test(error.message),
    argv.join(' '),
  );
}

test('switches may be combined, and a value may follow its letter', () => {
  const args = parseGetArguments(['-sSf', '-XPOST', '-kLo', 'out', 'https://a/']);
  assert.deepEqual(
    [args.silent, args.showError, args.fail, args.insecure, args.location],
    [true, true, true, true, true],
  );
  assert.equal(args.method, 'POST');
  assert.deepEqual(args.outputs, ['out']);
  assert.deepEqual(args.urls, ['https://a/']);
});

test('a value may follow the long name, after = or as the next argument', () => {
  const args = parseGetArguments(['--data=a=b', '--header', 'X: -y', '--max-time', '2.5', 'u']);
  assert.deepEqual(args.data, [{ kind: 'form', text: 'a=b' }]);
  assert.deepEqual(args.headers, ['X: -y']);
  assert.equal(args.maxTime, 2500);
});

test('a value is taken as it is, even where it looks like an option', () => {
  assert.deepEqual(parseGetArguments(['-d', '-v', 'u']).data, [{ kind: 'form', text: '-v' }]);
  assert.equal(parseGetArguments(['-d', '-v', 'u']).verbose, false);
});

test('-- ends the options, and options may come after URLs', () => {
  const args = parseGetArguments(['one', '-v', '--', '-two']);
  assert.deepEqual(args.urls, ['one', '-two']);
  assert.equal(args.verbose, true);
});

test('each way of giving data says what @ and line ends mean', () => {
  const args = parseGetArguments(['-d', '@f', '--data-binary', '@f', '--data-raw', '@f', 'u']);
  assert.deepEqual(
    args.data.map(({ kind }) => kind),
    ['form', 'binary', 'raw'],
  );
  assert.equal(args.json, false);
  assert.equal(parseGetArguments(['--json', '{}', 'u']).json, true);
});

test('what cannot be understood is refused with exit number 2, by name', () => {
  refused(['-v'], /no URL/);
  refused(['-q', 'u'], /unknown option -q$/);
  refused(['-vq', 'u'], /unknown option -q in -vq/);
  refused(['--nothing=1', 'u'], /unknown option --nothing$/);
  refused(['--verbose=1', 'u'], /--verbose takes no value/);
  refused(['u', '-o'], /-o needs a value/);
  refused(['u', '--json'], /--json needs a value/);
  for (const value of ['soon', '', '-1', 'Infinity']) refused(['-m', value, 'u'], /number of seconds/);
});

test('options that contradict one another are refused', () => {
  refused(['-I', '-d', 'x', 'u'], /-I and -d/);
  refused(['-T', 'f', '-d', 'x', 'u'], /-d and -T/);
  refused(['-o', 'a', '-o', 'b', 'u'], /more -o and -O than URLs/);
  refused(['-T', 'a', '-T', 'b', 'u'], /more -T than URLs/);
});

test('the contract of the command line has every one of its options', () => {
  const letters = new Set(getOptions.map(({ short }) => short));
  for (const letter of 'XHdToIvkLfswxiuFOAGr46') assert.ok(letters.has(letter), `-${letter}`);
  const names = new Set(getOptions.map(({ long }) => long));
  const long = [
    'json',
    'compressed',
    'cacert',
    'resolve',
    'unix-socket',
    'max-time',
    'http2-prior-knowledge',
    'retry',
    'http1.1',
    'http2',
  ];
  for (const name of long) assert.ok(names.has(name), `--${name}`);
});

test('an option of curl that is not here is refused with what comes nearest to it', () => {
  refused(['-b', 'u'], /-b \(curl's --cookie\) is not supported; write -H/);
  refused(['-u', 'name', 'u'], /-u needs NAME:PASSWORD/);
  refused(['-Z', 'u'], /-Z .* requested at once/);
  refused(['--referer', 'u'], /--referer .* write -H/);
  refused(['--verbos', 'u'], /unknown option --verbos; do you mean --verbose\?/);
  refused(['--outptu=x', 'u'], /do you mean --output\?/);
  refused(['--unrelated', 'u'], /unknown option --unrelated$/);
});

const helps = [
  ['get', getOptions, getHelp()],
  ['ping', pingOptions, pingHelp],
  ['bench', benchOptions, benchHelp],
  ['view', viewOptions, viewHelp],
  ['demo', demoOptions, demoHelp],
] as const;

test('no two options of a command share a letter or a name, and its help has each', () => {
  for (const [command, options, help] of helps) {
    const seen = new Set<string>();
    for (const { short, long } of options) {
      for (const name of [short === undefined ? undefined : `-${short},`, `--${long}`]) {
        if (name === undefined) continue;
        assert.ok(!seen.has(name), `${command} ${name}`);
        seen.add(name);
        assert.ok(help.includes(name), `${command} ${name}`);
      }
    }
  }
});

test('each help text fits a screen of 80 columns and 24 lines, or 36 where it has the flags of curl, and the first has every exit number', () => {
  for (const help of [helpText(), ...helps.map(([, , text]) => text)]) {
    const lines = help.trimEnd().split('\n');
    assert.ok(lines.length <= (help === getHelp() ? 35 : 23), `${lines[0]}: ${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
  for (const number of Object.values(ExitCode)) assert.match(helpText(), new RegExp(`[\\s,]${number} [a-zA-Z-]`));
});
