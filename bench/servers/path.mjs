// A long and fat path: a proxy in front of 127.0.0.1:PORT that delays what passes and caps its rate.
// `node path.mjs PORT DELAY_MS BYTES_PER_MS`; prints its port. The queue holds what two round trips carry at that rate:
// beyond it the proxy stops reading, as a full router's sender stops sending.
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { clearTimeout } from 'node:timers';

const [port, delay, rate] = process.argv.slice(2).map(Number);
const limit = 4 * delay * rate;

createServer((client) => {
  const origin = connect(port, '127.0.0.1');
  client.setNoDelay(true);
  origin.setNoDelay(true);
  delayed(client, origin);
  delayed(origin, client);
})
  .listen(0, '127.0.0.1')
  .on('listening', function () {
    console.log(this.address().port);
  });

/** Passes on what `from` sends, each piece so late, and so much a millisecond at most. */
function delayed(from, to) {
  const queue = [];
  let held = 0;
  let free = 0; // when the link has sent what it was given
  let timer;
  const deliver = () => {
    timer = undefined;
    const now = performance.now();
    while (queue.length > 0 && queue[0].at <= now) {
      const { bytes } = queue.shift();
      held -= bytes.length;
      to.write(bytes);
    }
    if (held < limit && from.isPaused()) from.resume();
    if (queue.length > 0) timer = setTimeout(deliver, Math.max(1, queue[0].at - now));
  };
  from.on('data', (bytes) => {
    const now = performance.now();
    free = Math.max(free, now) + bytes.length / rate;
    queue.push({ bytes, at: free + delay });
    held += bytes.length;
    if (held >= limit) from.pause();
    timer ??= setTimeout(deliver, delay);
  });
  for (const event of ['end', 'error', 'close']) {
    from.on(event, () => {
      clearTimeout(timer);
      to.destroy();
    });
  }
}
