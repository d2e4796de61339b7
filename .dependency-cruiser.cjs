// The layers of src/, and what each may import, `import type` included. A module may always import its own folder.
// `npm run check:layers` runs it; test/package/rules.test.ts holds it against imports that must be refused.

/** Layer name: where its modules are, and the other layers that they may import. */
const layers = {
  errors: { path: '^src/errors\\.ts$', uses: [] },
  wire: { path: '^src/wire/', uses: ['errors'] },
  hpack: { path: '^src/hpack/', uses: ['errors'] },
  protocol: { path: '^src/protocol/', uses: ['errors', 'wire', 'hpack'] },
  conn: { path: '^src/conn/', uses: ['errors', 'wire', 'hpack', 'protocol'] },
  view: { path: '^src/view/', uses: [] },
  diagnostics: { path: '^src/diagnostics/', uses: ['errors', 'wire', 'conn'] },
  pool: { path: '^src/pool/', uses: ['errors', 'wire', 'hpack', 'conn'] },
  transport: { path: '^src/transport(-options)?\\.ts$', uses: ['errors', 'wire', 'hpack', 'conn', 'pool'] },
  http1: { path: '^src/http1/', uses: ['errors', 'conn'] },
  node: { path: '^src/node/', uses: ['errors', 'conn', 'http1'] },
  proxy: { path: '^src/proxy/', uses: ['errors', 'conn', 'pool', 'transport', 'node'] },
  fetch: { path: '^src/fetch/', uses: ['errors', 'conn', 'pool', 'transport'] },
  undici: { path: '^src/undici/', uses: ['errors', 'conn', 'pool', 'transport', 'index'] },
  index: {
    path: '^src/(index|version)\\.ts$',
    uses: ['errors', 'conn', 'diagnostics', 'pool', 'transport', 'node', 'proxy', 'fetch'],
  },
  connect: { path: '^src/connect/', uses: ['errors', 'index'] },
  http: { path: '^src/http/', uses: ['errors', 'conn', 'pool', 'transport', 'index'] },
};
const roots = ['^src/cli/'];

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
      comment: 'a new folder of src/ takes its place in the table above before it is used',
      severity: 'error',
      from: { path: '^src/', pathNot: [...Object.values(layers).map(({ path }) => path), ...roots] },
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
      from: { path: ['errors', 'wire', 'hpack', 'protocol'].map((name) => layers[name].path) },
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
      from: { path: '^src/', pathNot: ['undici', 'connect', 'http'].map((name) => layers[name].path) },
      to: { couldNotResolve: false, dependencyTypesNot: ['core', 'local'] },
    },
    {
      name: 'adapters-import-peers',
      comment: 'an adapter may import a package only as a declared peer dependency',
      severity: 'error',
      from: { path: ['undici', 'connect', 'http'].map((name) => layers[name].path) },
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
