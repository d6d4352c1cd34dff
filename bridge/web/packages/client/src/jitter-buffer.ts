import { FLAG } from "./protocol.generated.js";
import { blendPoses, copyPose, type Pose } from "./pose.js";
import { isOlderEpoch, type PoseFrame } from "./wire.js";

export type Pushed = "kept" | "opens-epoch" | "discarded";
export type Sampled = "empty" | "early" | "between" | "underrun";

/** Frames waiting to be shown, ordered by media time; holds only the newest epoch, and at most `capacity_s` of it. */
export class JitterBuffer {
  private frames: PoseFrame[] = [];
  epoch: number | null = null;
  /** Late, duplicate, old-epoch and overflowed frames. */
  discarded = 0;

  constructor(private readonly capacity_s = 2) {
    if (!(capacity_s >= 0.5)) throw new Error(`the buffer must hold at least 0.5 s, got ${capacity_s}`);
  }

  get length(): number {
    return this.frames.length;
  }

  get oldest(): PoseFrame | null {
    return this.frames[0] ?? null;
  }

  get newest(): PoseFrame | null {
    return this.frames.at(-1) ?? null;
  }

  clear(): void {
    this.frames = [];
    this.epoch = null;
  }

  /** "opens-epoch": an interrupt; the caller shows this frame at once and cross-fades. */
  push(frame: PoseFrame): Pushed {
    if (this.epoch !== null && isOlderEpoch(frame.epoch, this.epoch)) return this.discard();
    const opens = this.epoch !== null && frame.epoch !== this.epoch;
    if (opens) this.frames = [];
    this.epoch = frame.epoch;
    let at = this.frames.length;
    while (at > 0 && this.frames[at - 1]!.mediaTime_s >= frame.mediaTime_s) at--;
    const late = at === 0 && this.frames.length > 0; // earlier than what is on screen
    if (late || this.frames[at]?.mediaTime_s === frame.mediaTime_s) return this.discard();
    this.frames.splice(at, 0, frame);
    this.trim();
    return opens ? "opens-epoch" : "kept";
  }

  /** Writes the pose at a media time into `out`; before the first frame that frame, after the last one the last. */
  sample(mediaTime_s: number, out: Pose): Sampled {
    while (this.frames.length > 1 && this.frames[1]!.mediaTime_s <= mediaTime_s) this.frames.shift();
    const [a, b] = this.frames;
    if (!a) return "empty";
    if (!b || mediaTime_s <= a.mediaTime_s || b.flags & FLAG.discontinuity) {
      copyPose(a, out);
      if (mediaTime_s < a.mediaTime_s) return "early";
      return b || mediaTime_s === a.mediaTime_s ? "between" : "underrun";
    }
    blendPoses(a, b, (mediaTime_s - a.mediaTime_s) / (b.mediaTime_s - a.mediaTime_s), out);
    return "between";
  }

  private discard(): Pushed {
    this.discarded++;
    return "discarded";
  }

  private trim(): void {
    const newest_s = this.newest!.mediaTime_s;
    while (newest_s - this.frames[0]!.mediaTime_s > this.capacity_s) {
      this.frames.shift();
      this.discarded++;
    }
  }
}
