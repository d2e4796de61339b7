import { Flag, FrameType, SettingId } from './constants.js';

const frameTypeNames: ReadonlyMap<number, string> = new Map([
  [FrameType.Data, 'DATA'],
  [FrameType.Headers, 'HEADERS'],
  [FrameType.Priority, 'PRIORITY'],
  [FrameType.RstStream, 'RST_STREAM'],
  [FrameType.Settings, 'SETTINGS'],
  [FrameType.PushPromise, 'PUSH_PROMISE'],
  [FrameType.Ping, 'PING'],
  [FrameType.GoAway, 'GOAWAY'],
  [FrameType.WindowUpdate, 'WINDOW_UPDATE'],
  [FrameType.Continuation, 'CONTINUATION'],
  [FrameType.AltSvc, 'ALTSVC'],
  [FrameType.Origin, 'ORIGIN'],
  [FrameType.PriorityUpdate, 'PRIORITY_UPDATE'],
]);

const settingNames: ReadonlyMap<number, string> = new Map([
  [SettingId.HeaderTableSize, 'HEADER_TABLE_SIZE'],
  [SettingId.EnablePush, 'ENABLE_PUSH'],
  [SettingId.MaxConcurrentStreams, 'MAX_CONCURRENT_STREAMS'],
  [SettingId.InitialWindowSize, 'INITIAL_WINDOW_SIZE'],
  [SettingId.MaxFrameSize, 'MAX_FRAME_SIZE'],
  [SettingId.MaxHeaderListSize, 'MAX_HEADER_LIST_SIZE'],
  [SettingId.EnableConnectProtocol, 'ENABLE_CONNECT_PROTOCOL'],
  [SettingId.NoRfc7540Priorities, 'NO_RFC7540_PRIORITIES'],
]);

type FlagName = readonly [bit: number, name: string];
const endStream: FlagName = [Flag.EndStream, 'END_STREAM'];
const ack: FlagName = [Flag.Ack, 'ACK'];
const endHeaders: FlagName = [Flag.EndHeaders, 'END_HEADERS'];
const padded: FlagName = [Flag.Padded, 'PADDED'];
const priority: FlagName = [Flag.Priority, 'PRIORITY'];

/** The flags that each type defines (RFC 9113 section 6); a type that is not here defines none. */
const flagsOfType: ReadonlyMap<number, readonly FlagName[]> = new Map([
  [FrameType.Data, [endStream, padded]],
  [FrameType.Headers, [endStream, endHeaders, padded, priority]],
  [FrameType.Settings, [ack]],
  [FrameType.PushPromise, [endHeaders, padded]],
  [FrameType.Ping, [ack]],
  [FrameType.Continuation, [endHeaders]],
]);

/** The name of a frame type for people to read, e.g. `WINDOW_UPDATE` or `UNKNOWN_FRAME_TYPE_99`. */
export function frameTypeName(type: number): string {
  return frameTypeNames.get(type) ?? `UNKNOWN_FRAME_TYPE_${type}`;
}

/** The name of a setting, e.g. `MAX_FRAME_SIZE` or `UNKNOWN_SETTING_99`. */
export function settingName(id: number): string {
  return settingNames.get(id) ?? `UNKNOWN_SETTING_${id}`;
}

/** The names of the flags that are set, low bit first; what the type does not define comes last, as one `0x..`. */
export function flagNames(type: number, flags: number): string[] {
  const names: string[] = [];
  let rest = flags;
  for (const [bit, name] of flagsOfType.get(type) ?? []) {
    if ((flags & bit) === 0) continue;
    names.push(name);
    rest &= ~bit;
  }
  if (rest !== 0) names.push(`0x${rest.toString(16)}`);
  return names;
}
