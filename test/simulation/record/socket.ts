/**
 * Records how a real loopback socket takes writes, as the write pump makes them: one chunk of 64 KiB in flight, the next
 * when that one's callback has run. `node build/simulation/record/socket.js` prints what `kernel` in ../kernel.ts states.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const chunk = Buffer.alloc(65_536, 0x61);

interface Pair {
  readonly ours: Socket;
  readonly theirs: Socket;
  close(): Promise<void>;
}

async function pair(): Promise<Pair> {
  const server = createServer({ pauseOnConnect: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1');
  ours.setNoDelay(true);
  const [theirs] = (await once(server, 'connection')) as [Socket];
  if (ours.connecting) await once(ours, 'connect');
  for (const socket of [ours, theirs]) socket.on('error', () => socket.destroy());
  return {
    ours,
    theirs,
    close: async () => {
      ours.destroy();
      theirs.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Writes without end, and reports each completion: its time, and the bytes taken by then. */
function pump(socket: Socket, onTaken: (time: number, taken: number) => void): void {
  let taken = 0;
  const write = (): void => {
    if (socket.destroyed) return;
    socket.write(chunk, (error) => {
      if (error) return;
      taken += chunk.length;
      onTaken(performance.now(), taken);
      setImmediate(write); // the pump polls in between as well
    });
  };
  write();
}

/** Nobody reads: so many bytes the kernel takes. */
async function takenUnread(): Promise<number> {
  const { ours, close } = await pair();
  let total = 0;
  pump(ours, (_, taken) => {
    total = taken;
  });
  await sleep(1_000);
  await close();
  return total;
}

/** Read at a steady rate: the gaps between completions, and how much is taken between two gaps. */
async function takenAt(bytesPerSecond: number, seconds: number): Promise<{ gaps: number[]; bursts: number[] }> {
  const { ours, theirs, close } = await pair();
  const gaps: number[] = [];
  const bursts: number[] = [];
  let last = performance.now();
  let lastGapAt = 0;
  pump(ours, (time, taken) => {
    if (time - last > 30) {
      gaps.push(Math.round(time - last));
      bursts.push(taken - lastGapAt);
      lastGapAt = taken;
    }
    last = time;
  });
  await sleep(300);
  const started = performance.now();
  let read = 0;
  const reader = setInterval(() => {
    const due = ((performance.now() - started) / 1_000) * bytesPerSecond;
    while (read < due) {
      const piece = theirs.read() as Buffer | null;
      if (piece === null) break;
      read += piece.length;
    }
  }, 5);
  await sleep(seconds * 1_000);
  clearInterval(reader);
  await close();
  return { gaps, bursts };
}

/** In which phase of the event loop the callback of a write comes that the kernel took at once. */
async function phaseOfCompletion(): Promise<string> {
  const { ours, close } = await pair();
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      setImmediate(() => {
        order.push('setImmediate');
        resolve();
      });
      process.nextTick(() => order.push('nextTick'));
      ours.write('x', () => order.push('written'));
    });
  });
  await close();
  return order.join(' < ');
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

console.log(`node ${process.version}, ${process.platform}`);
console.log(`a write that is taken at once: ${await phaseOfCompletion()}`);
console.log(`taken with nobody reading: ${await takenUnread()} bytes`);
for (const [rate, seconds] of [
  [5e6, 6],
  [1e6, 12],
  [2e5, 30],
] as const) {
  const { gaps, bursts } = await takenAt(rate, seconds);
  console.log(
    `read at ${rate / 1e6} MB/s: gaps of ${gaps.join(', ')} ms; taken in one burst ${bursts.join(', ')} bytes`,
  );
}
