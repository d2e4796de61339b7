/** A trace, read by the engine of Chrome's DevTools: what opens in its Performance panel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TraceWriter, type TraceEvent } from '../../dist/diagnostics/index.js';
import { transportFor } from '../http1/support.js';
import { startOrigin } from '../support/origin.js';

interface Node {
  readonly entry: TraceEvent;
  readonly children: readonly Node[];
}

/** The part of the engine that is used here; its own declarations need the whole of DevTools. */
interface Engine {
  readonly TraceModel: {
    readonly Model: {
      createWithAllHandlers(): {
        parse(events: readonly TraceEvent[], options: object): Promise<void>;
        parsedTrace(at: number): { readonly data: Parsed };
      };
    };
  };
  readonly Helpers: {
    readonly Trace: { sortTraceEventsInPlace(events: TraceEvent[]): void };
    readonly TreeHelpers: {
      treify(
        events: readonly TraceEvent[],
        options: { filter: { has(): boolean } },
      ): { readonly tree: { readonly roots: ReadonlySet<Node> } };
    };
  };
}

interface Parsed {
  readonly Renderer: {
    readonly processes: ReadonlyMap<
      number,
      { readonly threads: ReadonlyMap<number, { readonly entries: readonly unknown[] }> }
    >;
  };
}

const specifier: string = '@paulirish/trace_engine';
const { TraceModel, Helpers } = (await import(specifier)) as Engine;

test("the engine of Chrome's DevTools reads a trace: a process a connection, a row a stream, phases within", async (t) => {
  const origin = await startOrigin();
  t.after(() => origin.close());
  let text = '';
  const observer = new TraceWriter({ write: (piece) => (text += piece) });
  const transport = transportFor(t, { observer, cleartext: 'h2c' });
  const responses = [];
  for (let i = 0; i < 3; i++) responses.push(await transport.request(`${origin.origin}/hello.txt`));
  await Promise.all(responses.map((response) => response.body.dump()));
  observer.close();
  const { id } = responses[0]!.connection;

  const events = JSON.parse(text) as TraceEvent[];
  const model = TraceModel.Model.createWithAllHandlers();
  await model.parse(events, {});
  const threads = model.parsedTrace(0).data.Renderer.processes.get(id)?.threads;
  for (const streamId of [1, 3, 5]) assert.ok((threads?.get(streamId)?.entries.length ?? 0) > 0, `stream ${streamId}`);

  const row = events.filter(({ ph, pid, tid }) => ph === 'X' && pid === id && tid === 1);
  Helpers.Trace.sortTraceEventsInPlace(row);
  const [root, ...others] = Helpers.TreeHelpers.treify(row, { filter: { has: () => true } }).tree.roots;
  assert.deepEqual(others, []);
  assert.equal(root?.entry.name, 'GET /hello.txt 200');
  const phases = root.children.map(({ entry }) => entry.name);
  for (const phase of ['queue', 'dial', 'wait', 'body'])
    assert.ok(phases.includes(phase), `${phase} in ${phases.join()}`);
});
