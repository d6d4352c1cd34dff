const WINDOW = 300; // ten seconds
const COVERED = 0.95; // of the lateness seen; a stall now and then is caught up with, not waited for
const MIN_DELAY_S = 0.045; // a frame period and a little: the next frame must be there to interpolate towards
const MAX_DELAY_S = 0.4;

/** How late frames arrive, and so how far behind them to play. */
export class ArrivalClock {
  private offsets: number[] = [];
  private earliest_s = 0;
  private lateness_s = 0;

  reset(): void {
    this.offsets = [];
  }

  get known(): boolean {
    return this.offsets.length > 0;
  }

  observe(mediaTime_s: number, arrival_s: number): void {
    this.offsets.push(mediaTime_s - arrival_s);
    if (this.offsets.length > WINDOW) this.offsets.shift();
    const sorted = Float64Array.from(this.offsets).sort();
    this.earliest_s = sorted.at(-1)!;
    this.lateness_s = this.earliest_s - sorted[Math.floor((1 - COVERED) * (sorted.length - 1))]!;
  }

  /** Play-out delay behind the frames that come earliest. */
  get delay_s(): number {
    return Math.min(MAX_DELAY_S, MIN_DELAY_S + (this.known ? this.lateness_s : 0));
  }

  /** Media time that should be shown at a local time. */
  target_s(now_s: number): number {
    return now_s + this.earliest_s - this.delay_s;
  }

  /** How far behind the earliest frames a playhead is. */
  behind_s(now_s: number, playhead_s: number): number {
    return now_s + this.earliest_s - playhead_s;
  }
}
