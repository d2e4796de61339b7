// What each layer of src/ may import, as layers.json declares it, `import type` included. A module may always import its
// own folder.
// `npm run check:layers` runs it; test/package/rules.test.ts holds it against imports that must be refused.

const declared = require('./layers.json');

/** Layer name: where its modules are, and the other layers that they may import. */
const layers = Object.fromEntries(
  Object.entries(declared).map(([name, { files, uses }]) => {
    const path = files === undefined ? `${name}/` : `(${files.map((file) => file.replace('.', '\\.')).join('|')})$`;
    return [name, { path: `^src/${path}`, uses }];
  }),
);
const pure = Object.keys(declared).filter((name) => declared[name].pure);

const layerRules = Object.entries(layers).map(([name, { path, uses }]) => ({
  name: `layer-${name}`,
  comment: `${name} may import ${uses.length === 0 ? 'nothing of src/' : uses.join(', ')} and itself only`,
  severity: 'error',
  from: { path },
  to: { path: '^src/', pathNot: [path, ...uses.map((use) => layers[use].path)] },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'every-module-has-a-layer',
      comment: 'a new folder of src/ takes its place in layers.json before it is used',
      severity: 'error',
      from: { path: '^src/', pathNot: Object.values(layers).map(({ path }) => path) },
      to: {},
    },
    {
      name: 'no-cycle',
      comment: 'modules that import one another, even for types alone, are one module in two files',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'pure-core',
      comment: 'layers 0 and 1 use nothing but the language: no module of Node either',
      severity: 'error',
      from: { path: pure.map((name) => layers[name].path) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sockets-in-the-leaf',
      comment: 'conn, pool and transport work over an abstract byte transport; types are all they may take from these',
      severity: 'error',
      from: { path: ['conn', 'pool', 'transport'].map((name) => layers[name].path) },
      to: {
        path: '^(node:)?(net|tls|dns|dgram|http|https|http2)(/|$)',
        dependencyTypes: ['core'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-runtime-dependency',
      comment: 'the package has none; only an adapter may import its optional peer',
      severity: 'error',
      from: { path: '^src/', pathNot: ['undici', 'connect', 'http', 'otel'].map((name) => layers[name].path) },
      to: { couldNotResolve: false, dependencyTypesNot: ['core', 'local'] },
    },
    {
      name: 'adapters-import-peers',
      comment: 'an adapter may import a package only as a declared peer dependency',
      severity: 'error',
      from: { path: ['undici', 'connect', 'http', 'otel'].map((name) => layers[name].path) },
      to: { couldNotResolve: false, dependencyTypesNot: ['core', 'local', 'npm-peer'] },
    },
    {
      name: 'resolvable',
      comment: 'an import that leads nowhere would escape the rules above',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
