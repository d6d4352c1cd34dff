import { ArrivalClock } from "./arrival-clock.js";
import { JitterBuffer } from "./jitter-buffer.js";
import { blendPoses, copyPose, type Pose, restPose } from "./pose.js";
import { JOINT_NAMES } from "./protocol.generated.js";
import type { PoseFrame } from "./wire.js";

const CROSS_FADE_S = 0.15;
const OUT_OF_STEP_S = 0.12; // sound and body further apart than this: the body jumps, cross-faded
// At up to 1.4 times the speed 0.3 s of stall are made up for within a second, and nobody minds.
const FASTEST = 1.4;
const SLOWEST = 0.75;
const GAIN_PER_S = 8;
const SNAP_S = 0.6; // further off than this is not caught up with but jumped to
const BRAKE_S = 0.03; // with less than this in hand the body slows down instead of freezing

export interface PlayerOptions {
  joints?: number;
  /** Of the skeleton, for the pose before the first frame: `ready.skeleton.rest_m[1]`. */
  hipHeight_m?: number;
  /** Of media time that the buffer holds, at least 0.5. */
  capacity_s?: number;
}

/** Chooses the pose to draw: by the audio clock while audio is heard, else by when frames arrive. */
export class Player {
  readonly buffer: JitterBuffer;
  readonly clock = new ArrivalClock();
  /** The pose on screen; its arrays are reused. */
  readonly pose: Pose;
  /** Media time on screen. */
  mediaTime_s: number | null = null;
  /** Epoch of the frames on screen. */
  epoch: number | null = null;
  /** Pictures for which the next frame was not there yet. */
  underruns = 0;
  private readonly sampled: Pose;
  private readonly fadeFrom: Pose;
  private fadeStart_s = Number.NEGATIVE_INFINITY;
  private last_s = 0;
  private readonly capacity_s: number;

  constructor({ joints = JOINT_NAMES.length, hipHeight_m = 0.95, capacity_s = 2 }: PlayerOptions = {}) {
    this.capacity_s = capacity_s;
    this.buffer = new JitterBuffer(capacity_s);
    [this.pose, this.sampled, this.fadeFrom] = [0, 1, 2].map(() => restPose(joints, hipHeight_m)) as [Pose, Pose, Pose];
  }

  /** True when the frame opened a new epoch (an interrupt): sound is to be flushed with the motion. */
  push(frame: PoseFrame, arrival_s: number): boolean {
    const pushed = this.buffer.push(frame);
    if (pushed === "discarded") return false;
    this.clock.observe(frame.mediaTime_s, arrival_s);
    if (pushed === "kept") return false;
    this.fade(arrival_s);
    this.mediaTime_s = frame.mediaTime_s; // shown at once; it falls back to its delay by playing slowly
    this.last_s = arrival_s;
    return true;
  }

  /** Another session, or the same one on a new connection: forgets its clock, fades from what is on screen. */
  restart(now_s: number): void {
    this.buffer.clear();
    this.clock.reset();
    this.fade(now_s);
    this.mediaTime_s = this.epoch = null;
  }

  /**
   * The pose at local time `now_s`, which never goes back. `audioMedia_s`: media time now heard, or null.
   * The pose belongs to the player: copy what is to be kept.
   */
  update(now_s: number, audioMedia_s: number | null = null): Pose {
    const { oldest, newest } = this.buffer;
    if (oldest && newest) {
      const passed_s = Math.max(0, now_s - this.last_s);
      const playhead_s = this.mediaTime_s === null ? this.begin(now_s, audioMedia_s, oldest) : this.advance(now_s, passed_s, audioMedia_s, this.mediaTime_s, newest);
      this.mediaTime_s = audioMedia_s === null ? Math.min(playhead_s, newest.mediaTime_s) : playhead_s;
      if (this.buffer.sample(this.mediaTime_s, this.sampled) === "underrun") this.underruns++;
      this.epoch = this.buffer.epoch;
      this.show(now_s);
    }
    this.last_s = now_s;
    return this.pose;
  }

  /** Media time by which what is shown lags the earliest frames. */
  delay_s(now_s: number): number {
    return this.mediaTime_s === null ? 0 : this.clock.behind_s(now_s, this.mediaTime_s);
  }

  private begin(now_s: number, audioMedia_s: number | null, oldest: PoseFrame): number {
    return audioMedia_s ?? Math.max(this.clock.target_s(now_s), oldest.mediaTime_s);
  }

  private advance(now_s: number, passed_s: number, audioMedia_s: number | null, playhead_s: number, newest: PoseFrame): number {
    if (audioMedia_s !== null) return this.inStep(now_s, passed_s, audioMedia_s, playhead_s, newest);
    const gap_s = this.clock.target_s(now_s) - (playhead_s + passed_s);
    if (Math.abs(gap_s) > SNAP_S && newest.mediaTime_s > playhead_s + SNAP_S) {
      this.fade(now_s);
      return this.clock.target_s(now_s);
    }
    const corrected_s = gap_s * (1 - Math.exp(-GAIN_PER_S * passed_s));
    const step_s = Math.max(SLOWEST * passed_s, Math.min(FASTEST * passed_s, passed_s + corrected_s));
    const inHand_s = Math.max(0, newest.mediaTime_s - playhead_s);
    return playhead_s + Math.min(step_s, (passed_s * inHand_s) / BRAKE_S, inHand_s);
  }

  /** Audio is the master. One that lags by more than the buffer holds would show frames already dropped: skip ahead. */
  private inStep(now_s: number, passed_s: number, audioMedia_s: number, playhead_s: number, newest: PoseFrame): number {
    const wanted_s = newest.mediaTime_s - audioMedia_s > this.capacity_s - 0.1 ? newest.mediaTime_s : audioMedia_s;
    if (Math.abs(wanted_s - playhead_s - passed_s) > OUT_OF_STEP_S) this.fade(now_s);
    return wanted_s;
  }

  private fade(now_s: number): void {
    copyPose(this.pose, this.fadeFrom);
    this.fadeStart_s = now_s;
  }

  private show(now_s: number): void {
    const t = (now_s - this.fadeStart_s) / CROSS_FADE_S;
    if (t >= 1) return copyPose(this.sampled, this.pose);
    const eased = t * t * (3 - 2 * t);
    blendPoses(this.fadeFrom, this.sampled, Math.max(0, eased), this.pose);
  }
}
