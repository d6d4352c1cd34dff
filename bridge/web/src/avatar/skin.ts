import { type BufferGeometry, Float32BufferAttribute, Uint16BufferAttribute } from "three";
import type { Rig } from "./rig";
import { clamp01, length3, type Vec3 } from "./sdf";

/** A bone as the skin sees it: a segment with the radius of the flesh around it. */
export interface Segment {
  joint: string;
  from: Vec3;
  to: Vec3;
  radius: number;
}

const SHARPNESS = 5; // higher: narrower blends at the joints
const INFLUENCES = 4;

/** Skin weights from distances to bone segments in units of their radii; helper bones take the middle of each blend. */
export function skin(geometry: BufferGeometry, rig: Rig, segments: readonly Segment[]): void {
  const position = geometry.getAttribute("position");
  const indices = new Uint16Array(INFLUENCES * position.count);
  const weights = new Float32Array(INFLUENCES * position.count);
  const joints = segments.map((segment) => rig.index(segment.joint));
  const halves = halvesAmong(joints, rig);
  const near = new Float64Array(rig.bones.length);
  for (let v = 0; v < position.count; v++) {
    near.fill(0);
    for (let s = 0; s < segments.length; s++) {
      const d = distance(position.getX(v), position.getY(v), position.getZ(v), segments[s]!);
      near[joints[s]!] = Math.max(near[joints[s]!]!, (d / segments[s]!.radius + 0.05) ** -SHARPNESS);
    }
    normalise(near);
    for (const half of halves) throughHalf(near, half);
    writeStrongest(near, indices, weights, INFLUENCES * v);
  }
  geometry.setAttribute("skinIndex", new Uint16BufferAttribute(indices, INFLUENCES));
  geometry.setAttribute("skinWeight", new Float32BufferAttribute(weights, INFLUENCES));
}

function distance(x: number, y: number, z: number, { from: a, to: b }: Segment): number {
  const [dx, dy, dz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [qx, qy, qz] = [x - a[0], y - a[1], z - a[2]];
  const t = clamp01((qx * dx + qy * dy + qz * dz) / (dx * dx + dy * dy + dz * dz || 1e-9));
  return length3(qx - t * dx, qy - t * dy, qz - t * dz);
}

interface Half {
  joint: number;
  helper: number;
  above: readonly number[];
}

function halvesAmong(joints: readonly number[], { half, info }: Rig): Half[] {
  return [...half].flatMap(([joint, helper]) => {
    const parent = info.parents[joint]!;
    return joints.includes(joint) ? [{ joint, helper, above: [parent, info.parents[parent]!].filter((bone) => bone >= 0) }] : [];
  });
}

/** Weight that a joint and the two bones above it share moves to the joint's helper, which stands halfway between. */
function throughHalf(weights: Float64Array, { joint, helper, above }: Half): void {
  const aboveTotal = above.reduce((sum, bone) => sum + weights[bone]!, 0);
  const shared = Math.min(weights[joint]!, aboveTotal);
  if (shared < 1e-4) return;
  weights[joint]! -= shared;
  for (const bone of above) weights[bone]! *= 1 - shared / aboveTotal;
  weights[helper] = 2 * shared;
}

function normalise(weights: Float64Array): void {
  const total = weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < weights.length; i++) weights[i]! /= total;
}

function writeStrongest(near: Float64Array, indices: Uint16Array, weights: Float32Array, at: number): void {
  let total = 0;
  for (let k = 0; k < INFLUENCES; k++) {
    let best = 0;
    for (let bone = 1; bone < near.length; bone++) if (near[bone]! > near[best]!) best = bone;
    indices[at + k] = best;
    weights[at + k] = near[best]!;
    total += near[best]!;
    near[best] = 0;
  }
  for (let k = 0; k < INFLUENCES; k++) weights[at + k]! /= total;
}
