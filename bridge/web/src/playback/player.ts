import type { PoseFrame } from "../protocol/decoder";
import { FrameClock } from "./frame-clock";
import { JitterBuffer } from "./jitter";
import { blendPoses, copyPose, type Pose, restPose } from "./pose";

const CROSS_FADE_S = 0.15;
const JUMP_S = 0.12; // a playhead that moves further than this between two pictures is cross-faded too

/** Chooses the pose to draw: by the audio clock while audio is heard, else by the frame clock. */
export class Player {
  readonly buffer = new JitterBuffer(2);
  readonly clock = new FrameClock();
  readonly pose: Pose;
  mediaTime_s: number | null = null;
  /** Epoch of the frames on screen. */
  epoch: number | null = null;
  underruns = 0;
  private readonly sampled: Pose;
  private readonly fadeFrom: Pose;
  private fadeStart_s = -1;
  private last_s = 0;

  constructor(joints: number, blendshapes: number, hipHeight_m: number) {
    this.pose = restPose(joints, blendshapes, hipHeight_m);
    this.sampled = restPose(joints, blendshapes, hipHeight_m);
    this.fadeFrom = restPose(joints, blendshapes, hipHeight_m);
  }

  /** Returns true when the frame opened a new epoch (an interrupt): audio is to be flushed with the motion. */
  push(frame: PoseFrame, arrival_s: number): boolean {
    const newEpoch = this.buffer.push(frame);
    if (newEpoch) {
      this.clock.reset();
      this.fade(arrival_s);
    }
    this.clock.observe(frame.mediaTime_s, arrival_s);
    return newEpoch;
  }

  /** Another session or a reconnect: forget its clock, fade from what is on screen. */
  restart(now_s: number): void {
    this.buffer.clear();
    this.clock.reset();
    this.fade(now_s);
    this.mediaTime_s = this.epoch = null;
  }

  update(now_s: number, audioMedia_s: number | null): Pose {
    const wanted = audioMedia_s ?? this.clock.mediaTime_s(now_s);
    if (wanted === null) return this.pose;
    const media_s = this.withinReach(wanted);
    if (this.mediaTime_s !== null && Math.abs(media_s - this.mediaTime_s - (now_s - this.last_s)) > JUMP_S) this.fade(now_s);
    this.last_s = now_s;
    this.mediaTime_s = media_s;
    const state = this.buffer.sample(media_s, this.sampled);
    if (state === "empty") return this.pose;
    this.epoch = this.buffer.epoch;
    if (state === "underrun") this.underruns++;
    this.show(now_s);
    return this.pose;
  }

  /** An audio clock that lags by more than the buffer holds would show frames already dropped: skip ahead. */
  private withinReach(media_s: number): number {
    const newest = this.buffer.newest;
    return newest && newest.mediaTime_s - media_s > 1.9 ? newest.mediaTime_s : media_s;
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
