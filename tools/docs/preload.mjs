// Loaded before a document's block runs: makes example.com, port 443, the origin that the check has started.
import { Socket } from 'node:net';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const port = Number(process.env['EXAMPLE_PORT']);
const lookup = dns.lookup;
dns.lookup = (host, options, callback) =>
  host === 'example.com' ? lookup('127.0.0.1', options, callback) : lookup(host, options, callback);
syncBuiltinESMExports();

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (options?.port === 443 || options?.port === '443') options.port = port;
  return connect.apply(this, args);
};
