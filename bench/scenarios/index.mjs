// Every scenario, in the order of the report.
import { grpc } from './calls.mjs';
import { cold, commandLine } from './cold.mjs';
import { bodyRead, headerFields, http1, postJson } from './everyday.mjs';
import { abortChurn, streamsOpen } from './memory.mjs';
import { isolation } from './isolation.mjs';
import { hpack, importTime, stalledNeighbour } from './others.mjs';
import { parts } from './parts.mjs';
import { idleMemory, scale } from './scale.mjs';
import { scaling } from './scaling.mjs';
import { oneAtATime, smallGet, smallGetFetch, smallGetUndici } from './small-get.mjs';
import { download, longFat, upload } from './transfers.mjs';

export const scenarios = [
  ...[bodyRead, postJson, headerFields, http1, cold, commandLine],
  ...[smallGet, smallGetFetch, smallGetUndici, oneAtATime],
  ...[download, upload, longFat, grpc, streamsOpen, abortChurn],
  ...[hpack, stalledNeighbour, importTime, parts, scaling, scale, idleMemory, isolation],
];
