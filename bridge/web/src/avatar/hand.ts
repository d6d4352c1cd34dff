import type { Part } from "./outfit";
import type { Rig } from "./rig";
import { add3, ellipsoid, lerp3, mix, type Sdf, taper, union, type Vec3 } from "./sdf";
import type { Segment } from "./skin";

interface Finger {
  name: string;
  /** Flesh radius at the three joints and the tip, metres. */
  radii: readonly [number, number, number, number];
  /** Length of the last bone as a share of the one before. */
  tip: number;
}

const FINGERS: readonly Finger[] = [
  { name: "index", radii: [0.0098, 0.0089, 0.008, 0.0066], tip: 0.85 },
  { name: "middle", radii: [0.01, 0.009, 0.0082, 0.0067], tip: 0.85 },
  { name: "ring", radii: [0.0095, 0.0086, 0.0077, 0.0064], tip: 0.88 },
  { name: "pinky", radii: [0.0085, 0.0076, 0.0068, 0.0057], tip: 0.95 },
  { name: "thumb", radii: [0.0165, 0.0118, 0.01, 0.0078], tip: 0.8 },
];

export function hand(rig: Rig, side: "left" | "right"): Part {
  const wrist = rig.rest(`${side}_wrist`);
  const sign = side === "left" ? 1 : -1;
  const chains = FINGERS.map((finger) => ({ finger, points: chain(rig, side, finger) }));
  const fingers = chains.map(({ finger, points }) => fingerField(points, finger.radii));
  const palm = union(
    0.018,
    ...chains.slice(0, 4).map(({ points }) => taper(add3(lerp3(wrist, points[0]!, 0.22), [0, -0.001, 0]), lerp3(wrist, points[0]!, 0.97), 0.0155, 0.0112)),
    taper(add3(wrist, [-0.06 * sign, 0, 0]), add3(wrist, [0.012 * sign, 0, 0.001]), 0.024, 0.0215),
    thenar(wrist, chains[4]!.points, sign),
  );
  const all = union(0.012, palm, union(0.0035, ...fingers));
  const xs = [wrist[0] - 0.07 * sign, wrist[0] + 0.21 * sign].sort((a, b) => a - b) as [number, number];
  return {
    sdf: all,
    low: [xs[0], wrist[1] - 0.05, wrist[2] - 0.075],
    high: [xs[1], wrist[1] + 0.04, wrist[2] + 0.115],
    cell_m: 0.0033,
    segments: [...palmSegments(wrist, sign, side, chains), ...chains.flatMap(({ finger, points }) => fingerSegments(side, finger, points))],
  };
}

function chain(rig: Rig, side: string, { name, tip }: Finger): Vec3[] {
  const joints = [1, 2, 3].map((k) => rig.rest(`${side}_${name}${k}`)) as [Vec3, Vec3, Vec3];
  return [...joints, lerp3(joints[1], joints[2], 1 + tip)];
}

/** Slightly waisted between the knuckles, so that joints read as joints. */
function fingerField(points: readonly Vec3[], radii: readonly number[]): Sdf {
  const bones = [0, 1, 2].map((k) => taper(points[k]!, points[k + 1]!, radii[k]!, mix(radii[k]!, radii[k + 1]!, 1)));
  return union(0.003, ...bones);
}

/** The ball of the thumb. */
function thenar(wrist: Vec3, thumb: readonly Vec3[], sign: number): Sdf {
  const middle = lerp3(add3(wrist, [0.012 * sign, 0, 0.004]), thumb[1]!, 0.55);
  return union(0.012, taper(add3(wrist, [0.01 * sign, -0.003, 0.006]), thumb[1]!, 0.017, 0.0125), ellipsoid(add3(middle, [0.006 * sign, -0.006, -0.004]), [0.026, 0.014, 0.018]));
}

function palmSegments(wrist: Vec3, sign: number, side: string, chains: readonly { points: readonly Vec3[] }[]): Segment[] {
  return [
    { joint: `${side}_elbow`, from: add3(wrist, [-0.1 * sign, 0, 0]), to: add3(wrist, [-0.025 * sign, 0, 0]), radius: 0.024 },
    ...chains.slice(0, 4).map(({ points }) => ({ joint: `${side}_wrist`, from: wrist, to: lerp3(wrist, points[0]!, 0.9), radius: 0.02 })),
  ];
}

function fingerSegments(side: string, { name, radii }: Finger, points: readonly Vec3[]): Segment[] {
  const shrink = name === "thumb" ? 0.8 : 1;
  return [0, 1, 2].map((k) => ({ joint: `${side}_${name}${k + 1}`, from: points[k]!, to: points[k + 1]!, radius: radii[k]! * shrink }));
}
