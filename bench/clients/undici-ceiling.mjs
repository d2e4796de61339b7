// undici's own request() or fetch() over a dispatcher that answers at once and sends nothing: what undici itself costs.
import { Buffer } from 'node:buffer';

const body = Buffer.alloc(100, 'x');
const raw = ['content-length', '100', 'date', 'Tue, 01 Jan 2030 00:00:00 GMT'];
const headers = Object.fromEntries([raw.slice(0, 2), raw.slice(2)]);

/** What a handler is given to hold its request by. */
class Controller {
  aborted = false;
  paused = false;
  reason = null;
  rawHeaders = raw.map((text) => Buffer.from(text));
  rawTrailers = [];
  pause() {}
  resume() {}
  abort() {}
}

function answerHandler(handler) {
  const controller = new Controller();
  handler.onRequestStart(controller, {});
  process.nextTick(() => {
    handler.onResponseStart(controller, 200, headers, 'OK');
    handler.onResponseData(controller, body);
    handler.onResponseEnd(controller, {});
  });
}

/** The handlers of undici 7 and before. */
function answerOlder(handler) {
  handler.onConnect(() => undefined, {});
  const fields = raw.map((text) => Buffer.from(text));
  process.nextTick(() => {
    handler.onHeaders(200, fields, () => undefined, 'OK');
    handler.onData(body);
    handler.onComplete([]);
  });
}

export async function open(job) {
  const { Dispatcher, fetch, request } = await import(job.undici);
  class Instant extends Dispatcher {
    dispatch(_, handler) {
      if (handler.onRequestStart === undefined) answerOlder(handler);
      else answerHandler(handler);
      return true;
    }
  }
  const dispatcher = new Instant();
  const url = job.origin + job.path;
  return {
    async get() {
      if (job.of === 'fetch') {
        const response = await fetch(url, { dispatcher });
        return response.arrayBuffer();
      }
      const response = await request(url, { dispatcher });
      return response.body.arrayBuffer();
    },
    close: async () => undefined,
  };
}
