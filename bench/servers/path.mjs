// A long and fat path: a proxy in front of 127.0.0.1:PORT that delays what passes and caps its rate.
// `node path.mjs PORT DELAY_MS BYTES_PER_MS`; prints its port. The queue holds what two round trips carry at that rate:
// beyond it the proxy stops reading, as a full router's sender stops sending.
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { shaped } from './shaped.mjs';

const [port, delay, rate] = process.argv.slice(2).map(Number);
const shape = { delay, rate, queue: 4 * delay * rate };

createServer((client) => {
  const origin = connect(port, '127.0.0.1');
  for (const [from, to] of [
    [client, origin],
    [origin, client],
  ]) {
    from.setNoDelay(true);
    shaped(from, to, shape);
    for (const event of ['end', 'error', 'close']) from.on(event, () => to.destroy());
  }
})
  .listen(0, '127.0.0.1')
  .on('listening', function () {
    console.log(this.address().port);
  });
