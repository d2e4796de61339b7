// Results as Markdown.
import { short, withRange } from './statistics.mjs';

const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)];

const goal = (sense, value) => (value === undefined ? '' : `${sense === 'max' ? '≤' : '≥'} ${short(value)}`);

function verdict({ reached, first, then, missing }) {
  if (missing !== undefined) return missing;
  if (reached === 'then') return first === undefined ? 'reached' : 'reached, both';
  if (reached === 'first') return then === undefined ? 'reached' : 'first reached';
  return first === undefined ? 'not yet' : 'not reached';
}

/** The line that a target has in a table, without the scenario. */
export const targetName = ({ what, of, over }) =>
  over === undefined || over === of ? `${what}: ${of}` : `${what}: ${of} / ${over}`;

function targetRows(scenario) {
  return scenario.variants.flatMap((variant) =>
    variant.targets.map((target) => [
      `${scenario.name}, ${variant.name}`,
      targetName(target),
      target.missing === undefined ? short(target.value) : '',
      target.missing === undefined && target.pairs > 1 ? `${short(target.lowest)} to ${short(target.highest)}` : '',
      goal(target.sense, target.first),
      goal(target.sense, target.then),
      verdict(target),
    ]),
  );
}

/** The table of targets: every line with its ratio and its spread. */
export function targetTable(result) {
  const rows = result.scenarios.flatMap(targetRows);
  if (rows.length === 0) return ['These scenarios have no targets.'];
  return table(['scenario', 'what', 'median', 'spread over the pairs', 'first target', 'then', ''], rows);
}

/** The table of targets over several runs, one column each. */
export function targetSummary(runs) {
  const rows = runs[0].scenarios.flatMap((scenario) =>
    scenario.variants.flatMap((variant) =>
      variant.targets.map((target, i) => {
        const same = runs.map((run) => run.scenarios.find(({ name }) => name === scenario.name));
        const variants = same.map((one) => one?.variants.find(({ name }) => name === variant.name));
        const cells = variants.map((one) => summaryCell(one, one?.targets[i]));
        const goals = [goal(target.sense, target.first), goal(target.sense, target.then)];
        return [`${scenario.name}, ${variant.name}`, targetName(target), ...goals, ...cells];
      }),
    ),
  );
  return table(['scenario', 'what', 'first', 'then', ...runs.map(({ node }) => `Node ${node.slice(1)}`)], rows);
}

/** Ours, the peer's, the ratio with its spread, and whether it is enough. */
function summaryCell(variant, target) {
  if (target === undefined) return 'not run';
  if (target.missing !== undefined) return target.missing;
  const { of, over, metric, value, lowest, highest, pairs } = target;
  const median = (client) => variant.clients.find(({ name }) => name === client)?.median[metric];
  const figure = (names) => short(names.split(' and ').reduce((sum, name) => sum + median(name), 0));
  const sides = over === undefined || over === of ? '' : `${figure(of)} / ${figure(over)} = `;
  const spread = pairs > 1 ? ` (${short(lowest)} to ${short(highest)})` : '';
  return `${sides}**${short(value)}**${spread} ${verdict(target)}`;
}

function variantTable(scenario, variant) {
  const keys = Object.keys(scenario.metrics);
  const rows = variant.clients.map((client) => {
    const { name, median, absent, failed, samples } = client;
    const reason =
      absent === undefined ? (failed === undefined ? undefined : `failed: ${failed}`) : `absent: ${absent}`;
    if (samples.length === 0) return [name, reason, ...keys.slice(1).map(() => '')];
    const cells = keys.map((key) => {
      if (median[key] === undefined || median[key] === null) return '';
      return key.toLowerCase().endsWith('cpu') ? withRange(client, key) : short(median[key]);
    });
    return [reason === undefined ? name : `${name} (${reason})`, ...cells];
  });
  const rounds =
    variant.rounds === 1 ? 'one round' : `medians of ${variant.rounds} rounds (of CPU the lowest and highest too)`;
  return ['', `${variant.name}, ${rounds}:`, '', ...table(['', ...Object.values(scenario.metrics)], rows)];
}

/** One table for all variants, a column for each client: how many in time, of how many, the median and the 99th percentile. */
function inTimeTable({ variants }) {
  const cell = ({ absent, failed, median: { inTime, p50, p99, connections } }) => {
    if (absent !== undefined || failed !== undefined) return absent ?? `failed: ${failed}`;
    const times = [p50, p99].map((time) => (time === undefined ? '-' : time.toFixed(0))).join(' / ');
    return `${inTime}${inTime === 0 ? '' : `: ${times} ms`}, on ${connections}`;
  };
  const names = variants[0].clients.map(({ name }) => name);
  return [
    '',
    ...table(
      ['', ...names],
      variants.map(({ name, clients }) => [name, ...clients.map(cell)]),
    ),
  ];
}

/** Every figure of every scenario. */
export function scenarioTables(result, level = '##') {
  return result.scenarios.flatMap((scenario) => [
    '',
    `${level} ${scenario.name}`,
    '',
    scenario.title + '.',
    ...(scenario.metrics.inTime === undefined
      ? scenario.variants.flatMap((variant) => variantTable(scenario, variant))
      : inTimeTable(scenario)),
  ]);
}

/** Who was measured, in which version and configuration. */
export function peerTable(result) {
  const rows = Object.entries(result.peers).map(([name, { version, configuration, absent }]) => [
    name,
    absent === undefined ? (version ?? '') : `absent: ${absent}`,
    configuration,
  ]);
  return table(['client', 'version', 'configuration'], rows);
}

/** The machine and the manner, in a sentence or two. */
export function conditions(result) {
  return (
    `Node ${result.node}, ${result.date.slice(0, 10)}, ${result.cpu}, ${result.cores} cores, ${result.system}; ` +
    `${result.placement}; servers: ${result.server}. Clients run in turn, each as its own process, so many rounds as a ` +
    `table says; ratios are within rounds${result.quick ? '; QUICK: sizes are too small for these figures to mean much' : ''}.`
  );
}

/** Profiles, each as a list of functions with their share of the time. */
export function profileLists(profiles, level = '##') {
  return profiles.flatMap(({ scenario, variant, client, functions, allocations = [] }) => [
    '',
    `${level} Profile of ${scenario}, ${variant}: ${client}`,
    '',
    ...table(
      ['of the time', 'in'],
      functions.map(({ name, share }) => [`${(share * 100).toFixed(1)}%`, `\`${name}\``]),
    ),
    ...(allocations.length === 0
      ? []
      : [
          '',
          ...table(
            ['bytes a request', 'allocated in'],
            allocations.map(({ name, bytes }) => [bytes.toFixed(0), `\`${name}\``]),
          ),
        ]),
  ]);
}

export function markdown(result) {
  return [
    `# Benchmark, Node ${result.node}`,
    '',
    conditions(result),
    '',
    '## Targets',
    '',
    ...targetTable(result),
    ...scenarioTables(result),
    '',
    '## Clients',
    '',
    ...peerTable(result),
    '',
  ].join('\n');
}
