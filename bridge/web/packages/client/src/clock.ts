interface Sample {
  offset_s: number;
  roundTrip_s: number;
}

/** Offset of the server's clock from ours, from ping/pong: of the last few the one with the shortest round trip. */
export class ServerClock {
  private readonly samples: Sample[] = [];

  constructor(private readonly keep = 16) {}

  /** t0 sent and t3 received on our clock, t1 received and t2 sent on the server's, seconds. */
  observe(t0: number, t1: number, t2: number, t3: number): void {
    this.samples.push({ offset_s: (t1 - t0 + (t2 - t3)) / 2, roundTrip_s: t3 - t0 - (t2 - t1) });
    if (this.samples.length > this.keep) this.samples.shift();
  }

  private best(): Sample | null {
    return this.samples.reduce<Sample | null>((a, b) => (a && a.roundTrip_s <= b.roundTrip_s ? a : b), null);
  }

  get roundTrip_s(): number | null {
    return this.best()?.roundTrip_s ?? null;
  }

  /** Our time as the server's, or null before the first pong. */
  toServer(local_s: number): number | null {
    const best = this.best();
    return best && local_s + best.offset_s;
  }
}
