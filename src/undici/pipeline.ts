import { Duplex, PassThrough, type Readable } from 'node:stream';
import type { PipelineHandler, PipelineOptions } from './api-types.js';
import { RequestCall } from './calls.js';
import type { Dispatch } from './contract.js';
import { aborted, invalidArgument, UndiciError } from './undici-error.js';

/** What a handler gives back; a stream of an older kind cannot be destroyed. */
type Source = Pick<Readable, 'on' | 'pause' | 'resume' | 'readableEnded'> & { destroy?: Readable['destroy'] | null };

/**
 * What is written becomes the request's body; what is read is what the handler makes of the response's. What is wrong
 * with the arguments is the stream's error.
 */
export function pipeline<TOpaque>(
  dispatch: Dispatch,
  options: PipelineOptions<TOpaque>,
  handler: PipelineHandler<TOpaque>,
): Duplex {
  try {
    return connected(dispatch, options, handler);
  } catch (error) {
    return new PassThrough().destroy(error as Error);
  }
}

function connected<TOpaque>(
  dispatch: Dispatch,
  options: PipelineOptions<TOpaque>,
  handler: PipelineHandler<TOpaque>,
): Duplex {
  if (typeof options !== 'object' || (options as unknown) === null) throw invalidArgument('invalid opts');
  if (typeof handler !== 'function') throw invalidArgument('invalid handler');
  const upload = new PassThrough();
  let source: Source | undefined = undefined;
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
      const reason = error ?? (duplex.readableEnded ? null : aborted());
      upload.destroy();
      source?.destroy?.(error ?? undefined);
      if (call.under !== undefined && !duplex.readableEnded) call.under(reason);
      done(reason);
    },
  });
  const call: { under: ((error: Error | null) => void) | undefined } = { under: undefined };
  const request = new RequestCall<TOpaque>(
    options,
    (data) => {
      const { body } = data;
      body.on('error', ignore); // of a body that the handler has not taken; what fails is told by the duplex
      // What is thrown here ends the request, which ends the duplex with it.
      const made: Source = handler(data);
      if (typeof (made as Partial<Source> | undefined)?.on !== 'function')
        throw new UndiciError('UND_ERR_INVALID_RETURN_VALUE', 'expected Readable');
      source = made;
      connect(source, duplex);
    },
    (error) => duplex.destroy(error as Error),
  );
  const start = request.onRequestStart.bind(request);
  request.onRequestStart = (controller, context) => {
    call.under = (error) => {
      controller.abort(error ?? undefined);
    };
    start(controller, context);
  };
  upload.on('error', ignore);
  dispatch({ ...options, body: upload }, request);
  return duplex;
}

function connect(source: Source, duplex: Duplex): void {
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
