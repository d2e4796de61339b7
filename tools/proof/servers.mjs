// What docs/proof.md says of the servers of others that test/interop is run against.
export const servers = `## Servers of others

No suite, but servers that nobody here wrote, by \`npm run test:interop\` (CI installs them): nginx, Apache, h2o, Caddy, HAProxy,
nghttpx, nghttpd, node:http2, Go, Jetty 9, Tomcat 10, Netty 4.1 and hypercorn (python h2), over TLS and in the clear: GET, HEAD,
POST, 10 MB both ways, trailers where the server can send them, fields of 40 KB both ways, 1,000 requests at 100, downloads that are
abandoned. nginx, Apache, h2o, Caddy, HAProxy and nghttpx also read their configuration anew under 1,000 requests at 100, by
their own command or signal: none comes to the server behind them twice, and none fails.

| not there, or not whole | why |
| --- | --- |
| Envoy | Debian has no package of it |
| hyper | Debian has the library and no server made with it: building one takes its crates, and minutes |
| Netty over TLS | Debian's is built without ALPN for the JDK's TLS |
| 40 KB of response fields from Jetty | version 9 has room for one frame, and closes the connection |
| a reload of Apache | 2.4.71 ends its connections by an error of its own, GOAWAY 0xfffffc7a: what it had begun then fails and says so, with node:http2 too; it does not come twice |
| a reload of Caddy in the clear | 2.6 keeps its connections of h2c |
`;
