// Every scenario, in the order of the report.
import { grpc } from './calls.mjs';
import { abortChurn, streamsOpen } from './memory.mjs';
import { isolation } from './isolation.mjs';
import { hpack, importTime, stalledNeighbour } from './others.mjs';
import { scaling } from './scaling.mjs';
import { oneAtATime, smallGet, smallGetFetch, smallGetUndici } from './small-get.mjs';
import { download, longFat, upload } from './transfers.mjs';

export const scenarios = [
  ...[smallGet, smallGetFetch, smallGetUndici, oneAtATime],
  ...[download, upload, longFat, grpc, streamsOpen, abortChurn],
  ...[hpack, stalledNeighbour, importTime, scaling, isolation],
];
