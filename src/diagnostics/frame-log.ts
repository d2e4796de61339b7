import { sentenceOf } from '../errors.js';
import type { ConnectionEvent, FrameEvent, Observer, RequestEvent } from '../ports/index.js';
import { flagNames, frameTypeName } from '../wire/describe.js';
import { printable, type Palette } from './paint.js';
import { withoutSecret } from './secrets.js';
import { fieldPairs } from '../field-list.js';

export interface FrameLogOptions {
  readonly write: (text: string) => unknown;
  readonly palette: Palette;
  /** Show the values of fields that carry credentials. */
  readonly showSecrets: boolean;
}

/**
 * An observer that writes each frame as a line, `>` for sent and `<` for received, with the decoded fields of a
 * header block below it, and what happens to connections as lines that begin with `*`. Times are seconds since the
 * first event.
 */
export function frameLog(options: FrameLogOptions): Observer {
  let start: number | undefined;
  const since = (time: number): string => ((time - (start ??= time)) / 1000).toFixed(3);
  return {
    frame: (event) => void options.write(formatFrame(event, since(event.time), options)),
    connection: (event) => void options.write(formatConnection(event, since(event.time), options.palette)),
    request: (event) => {
      if (event.type === 'retry') options.write(formatRetry(event, since(event.time), options.palette));
    },
  };
}

/** One frame, as a line and one more for each field; '\n' at the end. */
export function formatFrame(
  event: FrameEvent,
  time: string,
  { palette, showSecrets }: Pick<FrameLogOptions, 'palette' | 'showSecrets'>,
): string {
  const arrow = event.direction === 'sent' ? palette.cyan('>') : palette.green('<');
  const parts = [palette.bold(frameTypeName(event.type)), `stream=${event.streamId}`, `length=${event.length}`];
  const flags = flagNames(event.type, event.flags);
  if (flags.length > 0) parts.push(flags.join('|'));
  if (event.detail !== undefined && event.detail !== '') parts.push(printable(event.detail));
  let text = `${arrow} ${palette.dim(`${time} #${event.connection}`)} ${parts.join(' ')}\n`;
  for (const [name, value] of fieldPairs(event.fields ?? []))
    text += `${arrow}     ${formatField(name, value, showSecrets)}\n`;
  return text;
}

/** `name: value` for a terminal, with the value hidden where it is a credential. */
export function formatField(name: string, value: string, showSecrets: boolean): string {
  const shown = showSecrets ? value : withoutSecret(name, value, '[hidden; --show-secrets shows it]');
  return `${printable(name)}: ${printable(shown)}`;
}

/** One event of a connection, as a line. */
export function formatConnection(event: ConnectionEvent, time: string, palette: Palette): string {
  // 0 is the number of a dial that has not come to a connection.
  const when = event.connection === 0 ? time : `${time} #${event.connection}`;
  return `${palette.yellow('*')} ${palette.dim(when)} ${describeConnection(event)}\n`;
}

/** That a request is sent again, and why, as a line. */
export function formatRetry(event: RequestEvent, time: string, palette: Palette): string {
  const { request, attempt, delay = 0, connection, streamId, status } = event;
  const where = connection === undefined ? '' : ` #${connection}`;
  const stream = streamId === undefined ? '' : ` stream=${streamId}`;
  const again = delay > 0 ? `is sent again in ${Math.round(delay)} ms` : 'is sent again';
  const what = `${request.method} ${request.url} ${again}, after attempt ${attempt}${status === undefined ? because(event.error) : `: answered ${status}`}`;
  return `${palette.yellow('*')} ${palette.dim(time + where)}${stream} ${what}\n`;
}

function describeConnection(event: ConnectionEvent): string {
  switch (event.type) {
    case 'dialling':
      return `dialling ${event.origin}`;
    case 'connected': {
      const secured = event.tls === undefined ? undefined : `${event.tls.version} ${event.tls.cipher}`;
      const details = [event.alpnProtocol, secured].filter((part) => part !== undefined);
      const where = event.remoteAddress === undefined ? event.origin : `${event.origin} at ${event.remoteAddress}`;
      return `connected to ${where}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
    }
    case 'stalled':
      return 'stalled: the peer takes no bytes, new requests go elsewhere';
    case 'resumed':
      return 'resumed: the peer takes bytes again';
    case 'silent':
      return 'silent: asked for a sign of life before it carries a new request';
    case 'slow':
      return 'slow: bulk fills the path, small requests go elsewhere where that is faster';
    case 'eased':
      return 'eased: the path has room again';
    case 'draining':
      return 'draining: finishes what it carries and takes nothing new';
    case 'closed':
      return `closed${because(event.error)}`;
    case 'dial-failed':
      return `cannot connect to ${event.origin}${because(event.error)}`;
  }
}

function because(error: unknown): string {
  return error instanceof Error && error.message !== '' ? `: ${printable(sentenceOf(error))}` : '';
}
