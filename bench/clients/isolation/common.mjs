// What the clients of servers/isolation.mjs share.
const chunk = globalThis.Buffer.alloc(65_536);

/** A body of so many bytes. */
export async function* pieces(size) {
  for (let left = size; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk;
}

/** `lookup` for node:net: what localhost stands for, all that there is or the first. */
export const addressesOf = ({ addresses = ['127.0.0.1'] }) => ({
  lookup(_name, options, done) {
    if (!options.all) return done(null, addresses[0], 4);
    return done(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );
  },
});
