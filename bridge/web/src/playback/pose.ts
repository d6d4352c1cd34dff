import type { PoseFrame } from "../protocol/decoder";

/** What is drawn: a pose without its transport. */
export interface Pose {
  root_m: Float32Array;
  quat_xyzw: Float32Array;
  blendshapes: Float32Array;
}

export function restPose(joints: number, blendshapes: number, hipHeight_m: number): Pose {
  const quat_xyzw = new Float32Array(4 * joints);
  for (let j = 0; j < joints; j++) quat_xyzw[4 * j + 3] = 1;
  return { root_m: Float32Array.of(0, hipHeight_m, 0), quat_xyzw, blendshapes: new Float32Array(blendshapes) };
}

export function copyPose(from: Pose, to: Pose): void {
  to.root_m.set(from.root_m);
  to.quat_xyzw.set(from.quat_xyzw);
  if (from.blendshapes.length === to.blendshapes.length) to.blendshapes.set(from.blendshapes);
}

/** a at t = 0, b at t = 1, rotations on the shorter arc. `out` may be a or b. */
export function blendPoses(a: Pose, b: Pose, t: number, out: Pose): void {
  blendLinear(a.root_m, b.root_m, t, out.root_m);
  blendLinear(a.blendshapes, b.blendshapes, t, out.blendshapes);
  for (let at = 0; at < out.quat_xyzw.length; at += 4) slerp(a.quat_xyzw, b.quat_xyzw, t, out.quat_xyzw, at);
}

function blendLinear(a: Float32Array, b: Float32Array, t: number, out: Float32Array): void {
  const n = Math.min(a.length, b.length, out.length);
  for (let i = 0; i < n; i++) out[i] = a[i]! + t * (b[i]! - a[i]!);
}

export function slerp(a: Float32Array, b: Float32Array, t: number, out: Float32Array, at: number): void {
  let dot = 0;
  for (let i = at; i < at + 4; i++) dot += a[i]! * b[i]!;
  const sign = dot < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  // Near-equal rotations: the sine quotient loses all digits, the straight line is exact to 1e-7.
  const straight = angle < 1e-3;
  const wa = straight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
  const wb = sign * (straight ? t : Math.sin(t * angle) / Math.sin(angle));
  let norm = 0;
  for (let i = at; i < at + 4; i++) {
    const value = wa * a[i]! + wb * b[i]!;
    out[i] = value;
    norm += value * value;
  }
  norm = Math.sqrt(norm) || 1;
  for (let i = at; i < at + 4; i++) out[i]! /= norm;
}

export function poseOf(frame: PoseFrame): Pose {
  return frame;
}
