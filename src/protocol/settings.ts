import { ErrorCode, ProtocolViolation, SettingId, largestMaxFrameSize, max31, uint16, uint32 } from '../wire/index.js';
import { streamsBeforeSettings, streamsByDefault } from './limits.js';

/** SETTINGS_HEADER_TABLE_SIZE until a SETTINGS frame says otherwise, in bytes (RFC 9113 section 6.5.2). */
export const defaultHeaderTableSize = 4_096;

/** What the peer has told us of itself, with the values assumed until it does (RFC 9113 section 6.5.2). */
export class PeerSettings {
  received = false;
  headerTableSize = defaultHeaderTableSize;
  /** The least size that the header table has had from before the last SETTINGS frame to after it. */
  leastHeaderTableSize = defaultHeaderTableSize;
  maxConcurrentStreams = streamsBeforeSettings;
  /** The first SETTINGS allowed no stream. */
  zeroFromStart = false;
  initialWindow = 65_535;
  maxFrameSize = 16_384;
  maxHeaderListSize = Infinity;
  /** RFC 8441: extended CONNECT is understood. Only the first SETTINGS can turn it on. */
  connectProtocol = false;

  /**
   * Applies the entries of one SETTINGS frame. All are judged before any is applied, so that a refused frame
   * changes nothing; they then take effect in order, the last of duplicates winning.
   */
  apply(bytes: Uint8Array, start: number, end: number): void {
    let namesLimit = false;
    for (let at = start; at < end; at += 6) this.judge(uint16(bytes, at), uint32(bytes, at + 2));
    this.leastHeaderTableSize = this.headerTableSize;
    for (let at = start; at < end; at += 6) {
      const id = uint16(bytes, at);
      namesLimit ||= id === SettingId.MaxConcurrentStreams;
      this.set(id, uint32(bytes, at + 2));
    }
    if (!this.received && !namesLimit) this.maxConcurrentStreams = streamsByDefault;
    if (!this.received) this.zeroFromStart = this.maxConcurrentStreams === 0;
    this.received = true;
  }

  private judge(id: number, value: number): void {
    switch (id) {
      case SettingId.EnablePush:
        // RFC 9113 section 6.5.2: a server must not send 1, and nobody may send anything else than 0 or 1.
        if (value !== 0) throw new ProtocolViolation(ErrorCode.ProtocolError, `the server sent ENABLE_PUSH=${value}`);
        break;
      case SettingId.InitialWindowSize:
        if (value > max31)
          throw new ProtocolViolation(ErrorCode.FlowControlError, `INITIAL_WINDOW_SIZE=${value} is above 2^31-1`);
        break;
      case SettingId.MaxFrameSize:
        if (value < 16_384 || value > largestMaxFrameSize)
          throw new ProtocolViolation(ErrorCode.ProtocolError, `MAX_FRAME_SIZE=${value} is outside 16384..16777215`);
        break;
      case SettingId.EnableConnectProtocol:
        // RFC 8441 section 3: 0 or 1, and never 0 after 1.
        if (value > 1 || (value === 0 && this.connectProtocol))
          throw new ProtocolViolation(ErrorCode.ProtocolError, `ENABLE_CONNECT_PROTOCOL=${value} is not allowed here`);
        break;
      default:
    }
  }

  private set(id: number, value: number): void {
    switch (id) {
      case SettingId.HeaderTableSize:
        this.headerTableSize = value;
        this.leastHeaderTableSize = Math.min(this.leastHeaderTableSize, value);
        break;
      case SettingId.MaxConcurrentStreams:
        this.maxConcurrentStreams = value;
        break;
      case SettingId.InitialWindowSize:
        this.initialWindow = value;
        break;
      case SettingId.MaxFrameSize:
        this.maxFrameSize = value;
        break;
      case SettingId.MaxHeaderListSize:
        this.maxHeaderListSize = value === 0 ? Infinity : value; // A limit of 0 is taken as none
        break;
      case SettingId.EnableConnectProtocol:
        if (!this.received) this.connectProtocol = value === 1;
        break;
      default: // RFC 9113 section 6.5.2: unknown settings are ignored
    }
  }
}

/** What we advertise in the first SETTINGS frame; sizes in bytes. */
export interface LocalSettings {
  readonly headerTableSize: number;
  readonly initialStreamWindow: number;
  readonly maxFrameSize: number;
  readonly maxHeaderListSize: number;
}

/** Our SETTINGS in Go's order; HEADER_TABLE_SIZE only where it differs from the protocol's default. */
export function settingsPayload(local: LocalSettings): (readonly [number, number])[] {
  const entries: (readonly [number, number])[] = [
    [SettingId.EnablePush, 0],
    [SettingId.InitialWindowSize, local.initialStreamWindow],
    [SettingId.MaxFrameSize, local.maxFrameSize],
    [SettingId.MaxHeaderListSize, local.maxHeaderListSize],
  ];
  if (local.headerTableSize !== defaultHeaderTableSize)
    entries.push([SettingId.HeaderTableSize, local.headerTableSize]);
  return entries;
}
