// Loaded before each test file of undici's: puts H2Dispatcher where the file would get undici's own clients, and under
// undici's fetch, WebSocket and EventSource. UNDICI_COPY names the folder of the copy.
'use strict';
const process = require('node:process');
const { URL } = require('node:url');
const { H2Dispatcher } = require('../../../lib/undici/index.cjs');
const undici = require(process.env.UNDICI_COPY);

const { Client: UndiciClient } = undici;

/** What undici's options are called here. Those that are missing are about undici's own connections. */
function transportOptions(options) {
  const { connect, connectTimeout, headersTimeout, bodyTimeout, keepAliveTimeout, maxResponseSize, useH2c } = options;
  const { timeout, socketPath, lookup, localAddress, ...tls } =
    typeof connect === 'object' && connect !== null ? { ...connect } : {};
  delete tls.allowH2;
  delete tls.ALPNProtocols;
  const found = {
    allowHTTP1: true,
    cleartext: useH2c === true ? 'h2c' : undefined,
    connectTimeout: timeout ?? connectTimeout,
    headersTimeout,
    bodyTimeout,
    idleTimeout: keepAliveTimeout,
    maxResponseSize: maxResponseSize === -1 ? 0 : maxResponseSize,
    localAddress: options.localAddress ?? localAddress,
    lookup,
    socketPath: options.socketPath ?? socketPath,
    tls: Object.keys(tls).length > 0 ? tls : undefined,
    userAgent: '', // as undici's request sends none
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined && value !== null));
}

/** A dispatcher of one origin, as undici's Client and Pool are. */
class OriginDispatcher extends H2Dispatcher {
  constructor(origin, options = {}) {
    const checked = new UndiciClient(origin, options); // which refuses what undici refuses
    checked.destroy().catch(() => undefined);
    super(transportOptions(options));
    this.origin = new URL(typeof origin === 'string' ? origin : (origin.href ?? origin.origin)).origin;
  }

  dispatch(options, handler) {
    return super.dispatch({ ...options, origin: this.origin }, handler);
  }
}

class AgentDispatcher extends H2Dispatcher {
  constructor(options = {}) {
    super(transportOptions(options));
  }
}

undici.Client = OriginDispatcher;
undici.Pool = OriginDispatcher;
undici.Agent = AgentDispatcher;
undici.setGlobalDispatcher(new AgentDispatcher());
