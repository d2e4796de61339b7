import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';
import { house } from './tools/lint-rules.mjs';

/** Layers 0 and 1: pure, so that nothing in them can wait, and a test can replay whatever they did. */
const pureCore = Object.entries(JSON.parse(readFileSync(new URL('layers.json', import.meta.url), 'utf8')))
  .filter(([, { pure }]) => pure)
  .flatMap(([name, { files }]) => files?.map((file) => `src/${file}`) ?? [`src/${name}/**/*.ts`]);

const namedExports = [
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  { selector: "ExportSpecifier[exported.name='default']", message: 'Named exports only.' },
];

const nothingWaits = [
  { selector: ':function[async=true]', message: 'async in the pure core: it has nothing to wait for.' },
  { selector: 'AwaitExpression', message: 'await in the pure core: it has nothing to wait for.' },
  { selector: 'ForOfStatement[await=true]', message: 'for await in the pure core: it has nothing to wait for.' },
  { selector: "Identifier[name='Promise']", message: 'Promise in the pure core: answer with an event.' },
  { selector: "Identifier[name='PromiseLike']", message: 'PromiseLike in the pure core: answer with an event.' },
];

const impure = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['queueMicrotask', 'performance', 'Date', 'console', 'process', 'globalThis', 'crypto'],
  ...['Buffer', 'TextDecoder', 'TextEncoder', 'fetch', 'URL'],
];

/** What a user can get hold of, to look at, log or patch; all other classes are between ourselves. */
const heldByUsers = [
  'src/testing/{mock-call,mock-transport}.ts',
  'src/index.ts',
  'src/transport.ts',
  'src/compose/**/*.ts',
  'src/conn/client-conn.ts',
  'src/request/{client-response,tunnel}.ts',
  'src/body/response-body.ts',
  'src/fetch/{lazy-stream,response}.ts',
  'src/http/{client-request,incoming-message,socket-view}.ts',
  'src/undici/{body-readable,diagnostics,upgraded-socket}.ts',
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'lib/',
      'build/',
      'node_modules/',
      'test/fixtures/',
      'bench/results/',
      '.dependency-cruiser.cjs',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { house },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', ...namedExports],
      'no-restricted-imports': [
        'error',
        { paths: builtinModules.map((name) => ({ name, message: `Import it as node:${name}.` })) },
      ],
      'house/no-private-numbers': 'error',
      'no-empty': 'error',
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',

      // The picks of the stylistic set.
      '@typescript-eslint/array-type': ['error', { default: 'array' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/prefer-optional-chain': 'error',

      // What the strict set forbids and this code means to do.
      // An async function without await still turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      // Allowed where an invariant makes it plainly true, which a reviewer judges and a rule cannot.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Types are structural here: what has the shape is the thing.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // It takes the type argument of a call, as in `abortable<void>(...)`, for a mistake.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // `return fail(...)` in a function of void reads well, and hides nothing.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Its view of a field goes stale at the first call that changes it, which is all that a state machine does.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `signal.reason` is the caller's own value, and is thrown as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowThrowingAny: false }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', 450],
      'max-lines-per-function': ['error', { max: 60 }],
      'house/privacy': ['error', 'private'],
      'house/words': 'error',
    },
  },
  { files: heldByUsers, rules: { 'house/privacy': ['error', '#'] } },
  {
    files: pureCore,
    rules: {
      'no-restricted-syntax': ['error', ...namedExports, ...nothingWaits],
      'no-restricted-globals': [
        'error',
        ...impure.map((name) => ({
          name,
          message: `${name} in the pure core: what it needs comes in as an argument.`,
        })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Date.now in the pure core: time comes in as an argument.' },
        {
          object: 'Math',
          property: 'random',
          message: 'Math.random in the pure core: chance comes in as an argument.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          // What the test runner returns is awaited by the test runner.
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after'] },
          ],
        },
      ],
      '@typescript-eslint/unbound-method': 'off',
      // Tests take strings apart, and hold what others deprecate against ours.
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-deprecated': 'off',
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        AbortController: 'readonly',
        Headers: 'readonly',
        Blob: 'readonly',
        URL: 'readonly',
        URLSearchParams: 'readonly',
        Request: 'readonly',
        Response: 'readonly',
        fetch: 'readonly',
      },
    },
  },
);
