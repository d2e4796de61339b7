// Runs scenarios: in each round every client once, one after the other, so that what the machine does meanwhile falls on
// all of them alike, and figures are compared within their round only.
import { profile } from './profile.mjs';
import { median } from './statistics.mjs';

const defaultRounds = 5;

/** A job of a thousandth part of the patience: to see that a scenario works. */
function quickened(job) {
  const quick = { ...job };
  for (const time of ['warmUp', 'duration']) if (quick[time] !== undefined) quick[time] /= 5;
  if (quick.work === 'workers') quick.requests /= 10;
  if (quick.work === 'idle') quick.count /= 10;
  if (quick.times !== undefined) quick.times = Math.ceil(quick.times / 4);
  if (quick.batches !== undefined) quick.batches = Math.ceil(quick.batches / 10);
  if (quick.work === 'churn') quick.requests /= 20;
  return quick;
}

/** One profile of each of our clients in a scenario; see profile.mjs. */
export async function profileScenario(scenario, { peers, servers, folder, say }) {
  const profiles = [];
  for (const variant of scenario.variants) {
    const server = await servers.at(variant.server);
    for (const { name, client, job } of variant.clients) {
      if (!(name ?? client).startsWith('passinglane') || peers[client].absent !== undefined) continue;
      say(`profile of ${scenario.name}, ${variant.name}: ${name ?? client}`);
      const found = await profile(peers[client], { ...job, ...server }, folder);
      profiles.push({ scenario: scenario.name, variant: variant.name, client: name ?? client, ...found });
    }
  }
  return profiles;
}

/** All rounds of one scenario. */
export async function runScenario(scenario, { peers, servers, quick, rounds, say }) {
  const variants = [];
  for (const variant of scenario.variants) {
    say(`${scenario.name}: ${variant.name}`);
    variants.push(await runVariant(scenario, variant, { peers, servers, quick, rounds, say }));
  }
  const { name, title, metrics } = scenario;
  return { name, title, metrics, variants };
}

async function runVariant(scenario, variant, { peers, servers, quick, rounds: most, say }) {
  const lacking = servers.lacks(variant.server);
  const server = lacking === undefined ? await servers.at(variant.server) : {};
  const usual = variant.rounds ?? scenario.rounds ?? defaultRounds;
  const rounds = quick ? 1 : Math.min(usual, most);
  const lines = variant.clients.map(({ name, client, job, rounds: turns = rounds }) => {
    const absent = lacking ?? peers[client].absent;
    const sized = quick ? quickened(job) : job;
    return { name: name ?? client, client, job: sized, absent, turns: Math.min(turns, rounds), samples: [] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const line of lines) {
      if (line.absent !== undefined || line.failed !== undefined || round >= line.turns) continue;
      try {
        line.samples.push(await peers[line.client].run({ ...line.job, ...server }));
      } catch (error) {
        line.failed = error.message;
        say(`  ${line.name}: ${line.failed}`);
      }
    }
  }
  const targets = variant.targets.map((target) => compare(target, lines));
  const clients = lines.map(({ name, client, absent, failed, samples }) => ({
    name,
    client,
    ...(absent === undefined ? {} : { absent }),
    ...(failed === undefined ? {} : { failed }),
    samples,
    median: medians(samples),
  }));
  return { name: variant.name, rounds, clients, targets };
}

function medians(samples) {
  const keys = new Set(samples.flatMap((sample) => Object.keys(sample)));
  return Object.fromEntries(
    [...keys].map((key) => [key, median(samples.map((sample) => sample[key]).filter((value) => value !== undefined))]),
  );
}

/**
 * What a target asks for beside what was measured: the median over the pairs, and their spread. With `over.plus` ours is held
 * against what two cost together.
 */
function compare({ what, of, metric, over, max, min }, lines) {
  const ours = lines.find(({ name }) => name === of);
  const theirs = over && lines.find(({ name }) => name === over.client);
  const added = over?.plus && lines.find(({ name }) => name === over.plus);
  const [first, then] = max ?? min;
  const target = {
    what,
    of,
    metric,
    over: over?.plus === undefined ? over?.client : `${over.client} and ${over.plus}`,
    sense: max === undefined ? 'min' : 'max',
    first,
    then,
  };
  const missing = [ours, theirs, added].find((line) => line !== undefined && line.samples.length === 0);
  if (missing !== undefined) return { ...target, missing: missing.absent ?? missing.failed ?? 'not measured' };
  const pairs = ours.samples.map((sample, round) => {
    const base =
      theirs === undefined
        ? 1
        : theirs.samples[round]?.[over.metric ?? metric] + (added?.samples[round]?.[metric] ?? 0);
    return sample[metric] / base;
  });
  const values = pairs.filter((value) => Number.isFinite(value));
  if (values.length === 0) return { ...target, missing: `no ${metric} was measured` };
  const value = median(values);
  const reaches = (goal) => goal !== undefined && (max === undefined ? value >= goal : value <= goal);
  return {
    ...target,
    value,
    lowest: Math.min(...values),
    highest: Math.max(...values),
    pairs: values.length,
    reached: reaches(then) && (first === undefined || reaches(first)) ? 'then' : reaches(first) ? 'first' : 'no',
  };
}
