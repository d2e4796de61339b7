export { noBytes, uint16, uint32 } from './bytes.js';
export * from './constants.js';
export { flagNames, frameTypeName, settingName } from './describe.js';
export { OutputBuffer } from './output.js';
export { FrameReader } from './reader.js';
export { ProtocolViolation } from './violation.js';
export { FrameWriter } from './writer.js';
