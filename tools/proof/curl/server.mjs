// A server of HTTP/2 over TLS that answers as curl's test server does: by the number in the path.
import { createSecureServer } from 'node:http2';
import { once } from 'node:events';
import { Buffer } from 'node:buffer';

/** @returns `{ origin, play(one), close() }`; `play` makes it answer for a case, and gives the list of what it is asked from now on */
export async function startServer(certificate) {
  let playing;
  let asked = [];
  const server = createSecureServer(certificate);
  server.on('stream', (stream, headers) => {
    const parts = [];
    stream.on('error', () => undefined); // the client has left: what it says of that is what counts
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => {
      const { ':method': method, ':path': path, 'content-type': type = '' } = headers;
      const content = `${type} ${Buffer.concat(parts).toString('latin1')}`;
      // Everybody draws another one.
      const said = content.replaceAll(/^.*?boundary=(\S+)/.exec(content)?.[1] ?? '\0', 'BOUNDARY');
      asked.push(`${method} ${path} ${headers.range ?? ''} ${headers.authorization ?? ''} ${said}`);
      if (!stream.destroyed) answer(stream, method, path);
    });
  });

  function answer(stream, method, path) {
    const part = new RegExp(`${playing.number}(\\d{4})`).exec(path)?.[1];
    const reply = playing.replies.get(Number(part ?? 0)) ?? playing.replies.values().next().value;
    const fields = {};
    for (const [name, value] of reply.fields) fields[name] = name in fields ? [fields[name], value].flat() : value;
    stream.respond({ ':status': reply.status, ...fields }, { endStream: method === 'HEAD', sendDate: false });
    if (method !== 'HEAD') stream.end(reply.body);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `https://127.0.0.1:${server.address().port}`,
    play(one) {
      playing = one;
      asked = [];
      return asked;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
