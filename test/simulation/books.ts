/** One arrival of a request at a server. */
export interface Sighting {
  readonly address: string;
  readonly connection: number;
  readonly stream: number;
  readonly at: number;
  /** 'refused', 'ignored': the server has told, or will, that it did not act on it. */
  verdict: 'acted' | 'refused' | 'ignored';
  /** It came in HTTP/1.1, and not as the first on its connection. */
  readonly kept?: boolean;
  /** Of the request's body. */
  received: number;
  receivedWhole: boolean;
  /** Of its answer; 0: there is none yet. */
  status: number;
  /** How far its answer has got. */
  answered: 'nothing' | 'headers' | 'whole';
  /** Of the answer's body. */
  sent: number;
  /** The server has said that it gives the stream up. */
  reset: boolean;
}

/** What the servers have seen: the judge of what the client says. */
export class Books {
  readonly sightings = new Map<number, Sighting[]>();
  /** What a server has to say against the client. */
  readonly complaints: string[] = [];
  requests = 0;
  pings = 0;
  connections = 0;

  saw(id: number, sighting: Sighting): void {
    this.requests++;
    const before = this.sightings.get(id);
    if (before === undefined) this.sightings.set(id, [sighting]);
    else before.push(sighting);
  }

  of(id: number): readonly Sighting[] {
    return this.sightings.get(id) ?? [];
  }

  complain(oracle: string, what: string): void {
    this.complaints.push(`${oracle}: ${what}`);
  }
}
