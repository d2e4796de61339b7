// How long a first import takes, and what of Node's heavy modules it loads.
import { performance } from 'node:perf_hooks';

/** Modules of Node that nothing needs until it is used. */
const heavy = [
  'NativeModule internal/deps/undici/undici',
  'NativeModule _http_client',
  'NativeModule internal/http2/core',
];

export async function run(job) {
  // undici in the version that this Node runs.
  const modules = job.modules.map((module) => (module === 'undici' ? job.undici : module));
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const module of modules) await import(module);
  const time = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const loaded = new Set(process.moduleLoadList);
  return { time, cpu: (user + system) / 1_000, heavy: heavy.filter((module) => loaded.has(module)).length };
}
