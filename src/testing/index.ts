/** `passinglane/testing`: a Transport that answers by itself, and a switch that keeps all others off the network. */
export { disableNetwork, enableNetwork } from '../network.js';
export { MockTransport } from './mock-transport.js';
export { type MockCall } from './mock-call.js';
export type { MockBody, MockMatcher, MockReplies, MockReply, MockReplyFunction } from './mock-route.js';
