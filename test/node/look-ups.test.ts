/** Names resolve beside one another: a look-up that hangs holds up neither another name nor a file. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { closeSync, constants, openSync, promises as fs, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { LookupQueue } from '../../dist/node/lookup-queue.js';
import { askServers, type NameServers } from '../../dist/node/name-servers.js';

const windows = process.platform === 'win32' ? 'has no FIFOs' : false;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'passinglane-names-'));
  t.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** A server of DNS that answers A of a name with 192.0.2.7 where it begins with "good", and never says a word else. */
async function nameServer(t: TestContext): Promise<dns.Resolver> {
  const server = createSocket('udp4', (query, { port, address }) => {
    if (query.toString('latin1', 13, 17) !== 'good') return;
    const end = query.indexOf(0, 12) + 5;
    const isA = query.readUInt16BE(end - 4) === 1;
    const head = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    server.send(Buffer.concat([head, query.subarray(12, end), ...(isA ? [answer] : [])]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver = new dns.Resolver({ timeout: 60_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  t.after(() => {
    resolver.cancel();
    server.close();
  });
  return resolver;
}

/** No names of its own, and no search domains but for names without a dot. */
function filesOf(t: TestContext, hosts = '', resolvConf = '') {
  const path = folder(t);
  const files = { hosts: join(path, 'hosts'), resolvConf: join(path, 'resolv.conf') };
  writeFileSync(files.hosts, hosts);
  writeFileSync(files.resolvConf, resolvConf);
  return files;
}

test(
  'eight look-ups that hang, each on its thread, hold up neither another name nor a file',
  { skip: windows },
  async (t) => {
    const servers = await nameServer(t);
    const files = filesOf(t);
    const fifo = join(folder(t), 'fifo');
    execFileSync('mkfifo', [fifo]);
    // What opens a FIFO that nobody writes to holds its thread, as getaddrinfo does whose server never answers.
    const hangs = async (): Promise<never> => {
      await (await fs.open(fifo)).close();
      throw new Error('nobody answered');
    };
    const queue = new LookupQueue(hangs, (name, family) => askServers(name, family, servers, files));
    const hanging = Array.from({ length: 8 }, (_, i) => queue.find(`bad${i}.test`, 0));
    const settled = Promise.allSettled(hanging);
    assert.deepEqual(await queue.find('good.test', 0), ['192.0.2.7']);
    assert.equal(await fs.readFile(files.hosts, 'utf8'), '');
    // Each writer lets those go that hold a thread then.
    let over = false;
    void settled.then(() => (over = true));
    while (!over) {
      try {
        closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENXIO', 'nobody reads at the moment');
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(new Set((await settled).map(({ status }) => status)), new Set(['rejected']));
  },
);

test('a look-up that waits for its thread takes what that finds, where no server knows the name', async () => {
  const held: ((addresses: string[]) => void)[] = [];
  const asked: string[] = [];
  const queue = new LookupQueue(
    (name) => {
      asked.push(name);
      return new Promise((resolve) => held.push(resolve));
    },
    () => Promise.reject(new Error('unknown')),
  );
  const found = ['a', 'b', 'c', 'd'].map((name) => queue.find(name, 0));
  assert.deepEqual(asked, ['a', 'b']);
  held[0]?.(['192.0.2.1']);
  await found[0];
  assert.deepEqual(asked, ['a', 'b', 'c'], 'each that ends lets one begin');
  held[2]?.(['192.0.2.3']);
  assert.deepEqual(await found[2], ['192.0.2.3']);
});

const unasked: NameServers = {
  resolve4: () => assert.fail('no server is to be asked'),
  resolve6: () => assert.fail('no server is to be asked'),
};

test('the hosts file goes before the servers', async (t) => {
  const files = filesOf(
    t,
    '127.0.0.1 localhost\n# 192.0.2.9 a.test\n192.0.2.1\tb.test A.test # both\n2001:db8::1 a.test\n',
  );
  assert.deepEqual(await askServers('a.test', 0, unasked, files), ['192.0.2.1', '2001:db8::1']);
  assert.deepEqual(await askServers('a.test', 6, unasked, files), ['2001:db8::1']);
});

/** Servers that know this one name. `silent`: they say nothing of that one, but that they do not know. */
function knowing(known: string, asked: string[], silent = ''): NameServers {
  const answer = async (name: string, address: string): Promise<string[]> => {
    asked.push(name);
    if (name === known) return Promise.resolve([address]);
    throw Object.assign(new Error(name), { code: name === silent ? 'ESERVFAIL' : 'ENOTFOUND' });
  };
  return { resolve4: (name) => answer(name, '192.0.2.7'), resolve6: () => Promise.resolve([]) };
}

test('a name with fewer dots than ndots is asked for with the search domains first, as dns.lookup does', async (t) => {
  const kubernetes = filesOf(t, '', 'search shop.svc.cluster.local svc.cluster.local\noptions edns0 ndots:5\n');
  const [inside, outside, dotted] = ['orders.shop.svc.cluster.local', 'api.partner.test', 'a.b.c.d.e.test'];
  const asked: string[] = [];
  assert.deepEqual(await askServers('orders.shop', 0, knowing(inside, asked), kubernetes), ['192.0.2.7']);
  assert.deepEqual(asked.splice(0), ['orders.shop.shop.svc.cluster.local', inside]);
  await askServers(outside, 0, knowing(outside, asked), kubernetes);
  assert.deepEqual([asked.length, asked.at(-1)], [3, outside]);
  const silent = `${outside}.shop.svc.cluster.local`;
  await assert.rejects(askServers(outside, 0, knowing(outside, asked, silent), kubernetes), /do not know api/);
  assert.equal(asked.pop(), silent, 'what it would be elsewhere nobody knows');
  await askServers(dotted, 0, knowing(dotted, asked), kubernetes);
  assert.equal(asked.filter((name) => name.startsWith(dotted)).length, 1);
});

test('a name that search domains nobody has named may go before, and one that is not DNS’s, is left to dns.lookup', async (t) => {
  for (const name of ['orders', 'printer.local', 'x.localhost'])
    await assert.rejects(askServers(name, 0, unasked, filesOf(t)), /not for the servers of DNS alone/);
});
