/** One of several addresses that an origin's name stands for, as the page shows it. */
export interface ViewAddress {
  readonly origin: string;
  readonly address: string;
  /** Requests, each attempt counted, on connections to it. */
  requests: number;
  /** When it had a request, as far as those follow one another without a gap. */
  readonly used: [from: number, to: number][];
  readonly states: ViewAddressState[];
}

export interface ViewAddressState {
  readonly name: 'failed' | 'ejected' | 'slow start' | 'draining';
  readonly from: number;
  to: number;
  /** Why. */
  readonly detail: string;
}

/** What a trace says of an address. */
export interface AddressNote {
  readonly at: number;
  readonly type: string;
  readonly origin: string;
  readonly address: string;
  readonly reason: string;
  /** Infinity: it does not say. */
  readonly until: number;
}

/** A connection, and where it leads. */
export interface AddressConnection {
  readonly origin: string;
  readonly address: string;
  readonly closedAt: number | undefined;
  readonly rows: readonly { readonly from: number; readonly to: number }[];
}

/** Of each address what it was and when; none where no name stood for several. */
export function addressesOf(
  notes: readonly AddressNote[],
  connections: readonly AddressConnection[],
  end: number,
): ViewAddress[] {
  const all = new Map<string, ViewAddress>();
  for (const note of notes) {
    const key = `${note.origin} ${note.address}`;
    let one = all.get(key);
    if (one === undefined)
      all.set(key, (one = { origin: note.origin, address: note.address, requests: 0, used: [], states: [] }));
    change(one.states, note, end);
  }
  for (const one of all.values()) {
    const here = connections.filter(({ origin, address }) => origin === one.origin && address === one.address);
    const rows = here.flatMap((connection) => connection.rows);
    one.requests = rows.length;
    one.used.push(...joined(rows));
    const last = one.states.at(-1);
    if (last?.name === 'draining' && last.to === end)
      last.to = Math.max(last.from, ...here.map(({ closedAt = end }) => closedAt));
  }
  return [...all.values()].sort((a, b) => (a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0));
}

/** What it was until now ends, and what it is from now on begins. */
function change(states: ViewAddressState[], { type, at, until, reason }: AddressNote, end: number): void {
  const last = states.at(-1);
  if (last !== undefined) last.to = Math.min(last.to, at);
  const begin = (name: ViewAddressState['name'], to: number): void =>
    void states.push({ name, from: at, to: Math.min(to, end), detail: reason });
  if (type === 'failed') begin('failed', until);
  else if (type === 'ejected')
    begin('ejected', end); // until it has shown that it is well
  else if (type === 'slow-start') begin('slow start', until);
  else if (type === 'removed') begin('draining', end);
}

/** Spans that overlap, or meet, as one. */
function joined(spans: readonly { readonly from: number; readonly to: number }[]): [number, number][] {
  const all: [number, number][] = [];
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last === undefined || from > last[1]) all.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  return all;
}
