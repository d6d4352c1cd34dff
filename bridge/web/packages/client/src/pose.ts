import { slerp } from "./slerp.js";

/** What is drawn: a frame without its transport. Every `PoseFrame` is one. */
export interface Pose {
  /** World position of the pelvis. */
  root_m: Float32Array;
  /** 4 values per joint, parent-local. */
  quat_xyzw: Float32Array;
  expressions: Float32Array;
  blendshapes: Float32Array;
  contacts: Float32Array;
}

/** Everything at rest, for `joints` joints: a copy to keep. */
export function restPose(joints: number, hipHeight_m: number): Pose {
  const quat_xyzw = new Float32Array(4 * joints);
  for (let j = 0; j < joints; j++) quat_xyzw[4 * j + 3] = 1;
  const none = new Float32Array(0);
  return { root_m: Float32Array.of(0, hipHeight_m, 0), quat_xyzw, expressions: none, blendshapes: none, contacts: none };
}

/** Reuses the arrays of `to` where they fit. */
export function copyPose(from: Pose, to: Pose): void {
  for (const field of FIELDS) {
    if (to[field].length !== from[field].length) to[field] = from[field].slice();
    else to[field].set(from[field]);
  }
}

/** a at t = 0, b at t = 1, rotations on the shorter arc. `out` may be a or b. A field that only b has is taken from b. */
export function blendPoses(a: Pose, b: Pose, t: number, out: Pose): void {
  for (const field of FIELDS) {
    const length = b[field].length;
    if (out[field].length !== length) out[field] = new Float32Array(length);
    if (a[field].length !== length) out[field].set(b[field]);
    else if (field === "quat_xyzw") for (let at = 0; at < length; at += 4) slerp(a.quat_xyzw, b.quat_xyzw, t, out.quat_xyzw, at);
    else blendLinear(a[field], b[field], t, out[field]);
  }
}

const FIELDS = ["root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"] as const;

function blendLinear(a: Float32Array, b: Float32Array, t: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + t * (b[i]! - a[i]!);
}
