// h2load, nghttp2's load generator in C, doing the same work as the other clients.
import { join } from 'node:path';
import { runTimed } from './processes.mjs';

/** Runs a job and gives the same figures as the other clients; it has no percentiles, only a mean. */
export async function runH2load(program, job, files) {
  // The cipher that the other clients agree on with the server.
  const common = [program, '--tls13-ciphers=TLS_AES_256_GCM_SHA384', '-c', '1'];
  if (job.work === 'requests') {
    const requests = Math.round(job.duration * (job.inFlight === 1 ? 20 : 200));
    const fields = Array.from({ length: (job.fields ?? 1) - 1 }, (_, i) => [
      '-H',
      `x-field-${i + 1}: the value of ${i}`,
    ]);
    const url = job.origin + job.path;
    const post = job.post === undefined ? [] : ['-d', files.json];
    const { output, cpu } = await runTimed(
      [...common, '-n', requests, '-m', job.inFlight, ...fields.flat(), ...post, url].map(String),
    );
    succeeded(output, requests);
    return { cpu: cpu / requests, rate: Number(/([\d.]+) req\/s/.exec(output)[1]) };
  }
  if (job.work === 'transfer') {
    const upload = job.how === 'upload' ? ['-d', join(files.folder, `bytes-${job.size}`)] : [];
    const url = `${job.origin}/${job.how === 'upload' ? 'sink' : `bytes-${job.size}`}`;
    const { output, cpu } = await runTimed([...common, '-n', String(job.times), '-m', '1', ...upload, url]);
    succeeded(output, job.times);
    const bytes = job.times * job.size;
    return { cpu: (cpu / bytes) * 1_000, rate: bytes / seconds(output) / 1e6 };
  }
  if (job.work === 'long-fat') {
    // It cannot be cut off by bytes: it runs for the time that the others have at most.
    const { output, cpu } = await runTimed([
      ...common,
      '-m',
      '1',
      '-D',
      String(job.seconds),
      `${job.origin}/bytes-${job.size}`,
    ]);
    const rate = bytesPerSecond(output);
    return { share: rate / job.bytesPerSecond, rate: rate / 1e6, cpu: (cpu / (rate * job.seconds)) * 1_000 };
  }
  throw new Error(`h2load has no work ${job.work}`);
}

function succeeded(output, expected) {
  const [, count] = /(\d+) succeeded/.exec(output) ?? [];
  if (Number(count) !== expected) throw new Error(`${count} of ${expected} requests succeeded: ${output.slice(-800)}`);
}

function seconds(output) {
  const [, value, unit] = /finished in ([\d.]+)(us|ms|s)/.exec(output);
  return Number(value) * { us: 1e-6, ms: 1e-3, s: 1 }[unit];
}

function bytesPerSecond(output) {
  const [, value, unit] = /([\d.]+)(K|M|G)?B\/s/.exec(output);
  return Number(value) * { undefined: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit];
}
