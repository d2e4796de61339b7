/** The undicis that the tests run with, each on the Nodes that its `engines` admits. */
import { test, type TestContext } from 'node:test';
import type undici8 from 'undici';
import { H2Dispatcher } from '../../dist/undici/index.js';
import { startOrigin, type OriginOptions, type TestOrigin } from '../support/origin.js';

export type Undici = typeof undici8;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

export interface Version {
  readonly name: string;
  /** Why it cannot run here. */
  readonly skip: string | false;
  load(): Promise<Undici>;
}

export const versions: readonly Version[] = [
  { name: 'undici 6', skip: false, load: async () => (await import('undici-6')).default as unknown as Undici },
  { name: 'undici 7', skip: false, load: async () => (await import('undici-7')).default as unknown as Undici },
  {
    name: 'undici 8',
    skip: major > 22 || (major === 22 && minor >= 19) ? false : 'its engines ask for Node 22.19',
    load: async () => (await import('undici')).default,
  },
];

export interface Place {
  readonly t: TestContext;
  readonly undici: Undici;
  readonly version: string;
  readonly origin: TestOrigin;
  readonly url: string;
  readonly dispatcher: H2Dispatcher;
}

/** A test with each undici: over a dispatcher of its own and an origin, in the clear unless `tls`. */
export function testEach(name: string, body: (place: Place) => Promise<void>, options: OriginOptions = {}): void {
  for (const version of versions) {
    test(`${version.name}: ${name}`, { skip: version.skip }, async (t) => {
      const origin = await startOrigin(options);
      const dispatcher = new H2Dispatcher({ cleartext: 'h2c', tls: { ca: origin.ca } });
      t.after(async () => {
        await dispatcher.destroy();
        await origin.close();
      });
      const undici = await version.load();
      await body({ t, undici, version: version.name, origin, url: origin.origin, dispatcher });
    });
  }
}
