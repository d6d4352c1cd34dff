import { type BufferGeometry, Float32BufferAttribute, Uint16BufferAttribute } from "three";
import type { Rig } from "./rig";
import { clamp01, type Vec3 } from "./sdf";

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
  for (let v = 0; v < position.count; v++) {
    const point: Vec3 = [position.getX(v), position.getY(v), position.getZ(v)];
    const near = new Map<number, number>();
    segments.forEach((segment, s) => {
      const weight = (distance(point, segment) / segment.radius + 0.05) ** -SHARPNESS;
      near.set(joints[s]!, Math.max(near.get(joints[s]!) ?? 0, weight));
    });
    throughHalves(near, rig);
    strongest(near).forEach(([bone, weight], k) => {
      indices[INFLUENCES * v + k] = bone;
      weights[INFLUENCES * v + k] = weight;
    });
  }
  geometry.setAttribute("skinIndex", new Uint16BufferAttribute(indices, INFLUENCES));
  geometry.setAttribute("skinWeight", new Float32BufferAttribute(weights, INFLUENCES));
}

function distance(p: Vec3, { from: a, to: b }: Segment): number {
  const d = [b[0] - a[0], b[1] - a[1], b[2] - a[2]] as const;
  const q = [p[0] - a[0], p[1] - a[1], p[2] - a[2]] as const;
  const length2 = d[0] ** 2 + d[1] ** 2 + d[2] ** 2 || 1e-9;
  const t = clamp01((q[0] * d[0] + q[1] * d[1] + q[2] * d[2]) / length2);
  return Math.hypot(q[0] - t * d[0], q[1] - t * d[1], q[2] - t * d[2]);
}

/** Weight that a joint and the bones above it share moves to the joint's helper, which stands halfway between. */
function throughHalves(weights: Map<number, number>, rig: Rig): void {
  const total = [...weights.values()].reduce((a, b) => a + b, 0);
  for (const [bone, weight] of weights) weights.set(bone, weight / total);
  for (const [joint, half] of rig.half) {
    const below = weights.get(joint) ?? 0;
    const above = [...weights.keys()].filter((bone) => isAbove(bone, joint, rig));
    const aboveTotal = above.reduce((sum, bone) => sum + weights.get(bone)!, 0);
    const shared = Math.min(below, aboveTotal);
    if (shared < 1e-4) continue;
    weights.set(joint, below - shared);
    for (const bone of above) weights.set(bone, weights.get(bone)! * (1 - shared / aboveTotal));
    weights.set(half, 2 * shared);
  }
}

function isAbove(bone: number, joint: number, rig: Rig): boolean {
  const { parents } = rig.info;
  const parent = parents[joint]!;
  return bone === parent || bone === parents[parent];
}

function strongest(weights: Map<number, number>): [number, number][] {
  const top = [...weights].sort((a, b) => b[1] - a[1]).slice(0, INFLUENCES);
  const total = top.reduce((sum, [, weight]) => sum + weight, 0);
  return top.map(([bone, weight]) => [bone, weight / total]);
}
