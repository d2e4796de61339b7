import { Duplex, PassThrough, type Readable } from 'node:stream';
import type { PipelineHandler, PipelineOptions } from './api-types.js';
import { RequestCall } from './calls.js';
import type { Dispatch } from './contract.js';
import { UndiciError } from './undici-error.js';

/** What is written becomes the request's body; what is read is what the handler makes of the response's. */
export function pipeline<TOpaque>(
  dispatch: Dispatch,
  options: PipelineOptions<TOpaque>,
  handler: PipelineHandler<TOpaque>,
): Duplex {
  const upload = new PassThrough();
  let source: Readable | undefined = undefined;
  const duplex = new Duplex({
    readableObjectMode: options.objectMode === true,
    autoDestroy: true,
    read: () => source?.resume(),
    write: (chunk, encoding, done) => upload.write(chunk, encoding, done),
    final: (done) => {
      upload.end();
      done();
    },
    destroy: (error, done) => {
      upload.destroy();
      source?.destroy(error ?? undefined);
      if (call.under !== undefined && !duplex.readableEnded) call.under(error);
      done(error);
    },
  });
  const call: { under: ((error: Error | null) => void) | undefined } = { under: undefined };
  const request = new RequestCall<TOpaque>(
    options,
    (data) => {
      try {
        source = handler(data);
        if (typeof (source as Partial<Readable> | undefined)?.on !== 'function')
          throw new UndiciError('UND_ERR_INVALID_RETURN_VALUE', 'expected Readable');
        connect(source, duplex);
      } catch (error) {
        data.body.on('error', ignore).destroy();
        duplex.destroy(error as Error);
      }
    },
    (error) => duplex.destroy(error as Error),
  );
  const start = request.onRequestStart.bind(request);
  request.onRequestStart = (controller) => {
    call.under = (error) => {
      controller.abort(error ?? undefined);
    };
    start(controller);
  };
  upload.on('error', ignore);
  dispatch({ ...options, body: upload }, request);
  return duplex;
}

function connect(source: Readable, duplex: Duplex): void {
  source
    .on('data', (chunk) => {
      if (!duplex.push(chunk)) source.pause();
    })
    .on('error', (error) => duplex.destroy(error))
    .on('end', () => duplex.push(null))
    .on('close', () => {
      if (!source.readableEnded) duplex.destroy(new UndiciError('UND_ERR_ABORTED', 'The handler closed its stream'));
    });
}

function ignore(): void {}
