import { FLAG, type PoseFrame } from "../protocol/decoder";
import { blendPoses, copyPose, type Pose } from "./pose";

export type Sampled = "empty" | "early" | "between" | "underrun";

/** Frames waiting to be shown, ordered by media time; holds only the newest epoch. */
export class JitterBuffer {
  private frames: PoseFrame[] = [];
  epoch: number | null = null;
  /** Late, duplicate, stale-epoch and overflowed frames. */
  discarded = 0;

  constructor(private readonly capacity_s = 2) {
    if (capacity_s < 0.5) throw new Error(`the buffer must hold at least 0.5 s, got ${capacity_s}`);
  }

  get length(): number {
    return this.frames.length;
  }

  get newest(): PoseFrame | null {
    return this.frames.at(-1) ?? null;
  }

  clear(): void {
    this.frames = [];
    this.epoch = null;
  }

  /** Returns true when the frame opens a new epoch: the caller shows it at once and cross-fades. */
  push(frame: PoseFrame): boolean {
    if (this.epoch !== null && isOlderEpoch(frame.epoch, this.epoch)) {
      this.discarded++;
      return false;
    }
    const newEpoch = this.epoch !== null && frame.epoch !== this.epoch;
    if (newEpoch) this.frames = [];
    this.epoch = frame.epoch;
    this.insert(frame);
    this.trim(frame.mediaTime_s);
    return newEpoch;
  }

  /** Writes the pose at a media time into `out`; before the first frame that frame, after the last one the last. */
  sample(mediaTime_s: number, out: Pose): Sampled {
    const [first] = this.frames;
    if (!first) return "empty";
    while (this.frames.length > 1 && this.frames[1]!.mediaTime_s <= mediaTime_s) this.frames.shift();
    const [a, b] = this.frames as [PoseFrame, PoseFrame | undefined];
    if (!b || mediaTime_s <= a.mediaTime_s || b.flags & FLAG.discontinuity) {
      copyPose(a, out);
      if (mediaTime_s < a.mediaTime_s) return "early";
      return b || mediaTime_s === a.mediaTime_s ? "between" : "underrun";
    }
    blendPoses(a, b, (mediaTime_s - a.mediaTime_s) / (b.mediaTime_s - a.mediaTime_s), out);
    return "between";
  }

  private insert(frame: PoseFrame): void {
    let at = this.frames.length;
    while (at > 0 && this.frames[at - 1]!.mediaTime_s >= frame.mediaTime_s) at--;
    const before = at === 0 && this.frames.length > 0; // earlier than what is on screen: too late to show
    if (before || this.frames[at]?.mediaTime_s === frame.mediaTime_s) {
      this.discarded++;
      return;
    }
    this.frames.splice(at, 0, frame);
  }

  private trim(newest_s: number): void {
    while (newest_s - this.frames[0]!.mediaTime_s > this.capacity_s) {
      this.frames.shift();
      this.discarded++;
    }
  }
}

/** Epochs are 16-bit and wrap; a step of less than half the circle forward is newer. */
function isOlderEpoch(epoch: number, current: number): boolean {
  const step = (epoch - current) & 0xffff;
  return step !== 0 && step >= 0x8000;
}
