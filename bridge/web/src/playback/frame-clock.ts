const WINDOW = 90;
const MIN_DELAY_S = 0.045; // one frame period and a little: the next frame must be there to interpolate towards
const MAX_DELAY_S = 0.4;
const SLEW = 0.05; // playback may run 5 % fast or slow to approach its target
const SNAP_S = 0.25;

/** Media time to show when no audio is heard: follows the arrival of frames, late by as much as they jitter. */
export class FrameClock {
  private offsets: number[] = [];
  private offset_s: number | null = null;
  private last_s = 0;

  reset(): void {
    this.offsets = [];
    this.offset_s = null;
  }

  observe(mediaTime_s: number, arrival_s: number): void {
    this.offsets.push(mediaTime_s - arrival_s);
    if (this.offsets.length > WINDOW) this.offsets.shift();
    if (this.offset_s === null) {
      this.offset_s = this.target_s();
      this.last_s = arrival_s;
    }
  }

  /** Play-out delay behind the earliest frames: covers 95 % of the lateness seen in the last three seconds. */
  get delay_s(): number {
    if (!this.offsets.length) return MIN_DELAY_S;
    const sorted = [...this.offsets].sort((a, b) => b - a);
    const lateness = sorted[0]! - sorted[Math.floor(0.95 * (sorted.length - 1))]!;
    return Math.min(MAX_DELAY_S, MIN_DELAY_S + lateness);
  }

  private target_s(): number {
    return Math.max(...this.offsets) - this.delay_s;
  }

  /** Media time at local time `now_s`, or null before the first frame. */
  mediaTime_s(now_s: number): number | null {
    if (this.offset_s === null) return null;
    const gap = this.target_s() - this.offset_s;
    const step = SLEW * Math.max(0, now_s - this.last_s);
    this.offset_s += Math.abs(gap) > SNAP_S ? gap : Math.max(-step, Math.min(step, gap));
    this.last_s = now_s;
    return now_s + this.offset_s;
  }
}
