import type { Rig } from "./rig";
import { add3, ellipsoid, intersect, length2, lerp3, loft, plane, type Sdf, smoothMax, subtract, symmetric, taper, tube, union, type Vec3 } from "./sdf";
import type { Segment } from "./skin";

/** A garment or body part: its field, the box to mesh it in, and the bones that carry it. */
export interface Part {
  sdf: Sdf;
  low: Vec3;
  high: Vec3;
  cell_m: number;
  segments: Segment[];
}

const at = (v: Vec3, dx: number, dy: number, dz: number): Vec3 => add3(v, [dx, dy, dz]);

/** Where the neckline lies: a ring around the neck that dips towards the front. */
const NECKLINE_TILT: Vec3 = [0, 1, 0.32];
const neckline = (rig: Rig): Vec3 => at(rig.rest("neck"), 0, -0.009, 0.009);

export function sweater(rig: Rig): Part {
  const pelvis = rig.rest("pelvis");
  const neckBase = rig.rest("neck");
  const [shoulder, elbow, wrist] = [rig.rest("left_shoulder"), rig.rest("left_elbow"), rig.rest("left_wrist")];
  const y = pelvis[1];
  const torso = loft([
    { y: y - 0.075, w: 0.16, d: 0.118, z: 0.004 },
    { y: y - 0.046, w: 0.172, d: 0.13, z: 0.004 },
    { y: y + 0.02, w: 0.164, d: 0.122, z: 0.002 },
    { y: y + 0.11, w: 0.147, d: 0.108, z: 0.0 },
    { y: y + 0.2, w: 0.146, d: 0.108, z: 0.003 },
    { y: y + 0.3, w: 0.153, d: 0.114, z: 0.004 },
    { y: y + 0.38, w: 0.146, d: 0.1, z: -0.006 },
    { y: y + 0.44, w: 0.112, d: 0.08, z: -0.016 },
    { y: y + 0.475, w: 0.078, d: 0.07, z: -0.018 },
    { y: y + 0.51, w: 0.066, d: 0.064, z: -0.02 },
  ]);
  const sleeve = tube(
    [at(shoulder, -0.015, -0.012, 0), lerp3(shoulder, elbow, 0.45), elbow, lerp3(elbow, wrist, 0.35), lerp3(elbow, wrist, 0.7), lerp3(elbow, wrist, 0.81), lerp3(elbow, wrist, 0.865)],
    [0.058, 0.054, 0.048, 0.0485, 0.0455, 0.0425, 0.026],
  );
  const trapezius = taper(at(neckBase, 0.03, -0.022, 0.002), at(shoulder, -0.025, -0.008, 0), 0.036, 0.045);
  const half = union(0.045, union(0.06, torso, sleeve), trapezius);
  return {
    sdf: symmetric(intersect(0.006, half, plane(neckline(rig), NECKLINE_TILT))),
    low: [-wrist[0] - 0.01, y - 0.13, -0.16],
    high: [wrist[0] + 0.01, neckBase[1] + 0.05, 0.16],
    cell_m: 0.0095,
    segments: [...torsoSegments(rig), ...armSegments(rig), ...legSegments(rig)],
  };
}

/** A band whose knit stands out as upright ribs: `around` counts ribs by the angle about its axis. */
function knit(band: Sdf, angle: (x: number, y: number, z: number) => number, ribs: number): Sdf {
  return (x, y, z) => band(x, y, z) + 0.001 * Math.cos(ribs * angle(x, y, z));
}

export function hem(rig: Rig): Part {
  const y = rig.rest("pelvis")[1] - 0.083;
  const band = loft([
    { y: y - 0.024, w: 0.168, d: 0.128, z: 0.001 },
    { y: y + 0.02, w: 0.166, d: 0.125, z: 0.003 },
  ]);
  return {
    sdf: symmetric((x, yy, z) => knit(band, (ax, _y, az) => Math.atan2(ax, az), 72)(x, yy, z)),
    low: [-0.18, y - 0.035, -0.14],
    high: [0.18, y + 0.035, 0.14],
    cell_m: 0.0048,
    segments: [...torsoSegments(rig), ...legSegments(rig)],
  };
}

export function collar(rig: Rig): Part {
  const middle = neckline(rig);
  const [ny, nz] = [NECKLINE_TILT[1] / Math.hypot(...NECKLINE_TILT), NECKLINE_TILT[2] / Math.hypot(...NECKLINE_TILT)];
  const ring: Sdf = (x, y, z) => {
    const [py, pz] = [y - middle[1], z - middle[2]];
    const up = ny * py + nz * pz;
    const front = ny * pz - nz * py;
    const out = length2(x / 1.02, front / 0.99) - 0.061 + 0.25 * up;
    return length2(out * 1.35, up * 0.8) - 0.0115;
  };
  return {
    sdf: knit(ring, (x, _y, z) => Math.atan2(x, z - middle[2]), 44),
    low: [-0.09, middle[1] - 0.06, middle[2] - 0.09],
    high: [0.09, middle[1] + 0.06, middle[2] + 0.09],
    cell_m: 0.0036,
    segments: neckSegments(rig).slice(0, 2),
  };
}

export function cuff(rig: Rig, side: "left" | "right"): Part {
  const [elbow, wrist] = [rig.rest(`${side}_elbow`), rig.rest(`${side}_wrist`)];
  const [from, to] = [lerp3(elbow, wrist, 0.83), lerp3(elbow, wrist, 0.965)];
  const band = intersect(0.005, tube([from, lerp3(from, to, 0.22), lerp3(from, to, 1.3)], [0.026, 0.0348, 0.0325]), plane(to, [Math.sign(wrist[0]), 0, 0]));
  const [a, b] = [from[0], to[0] + 0.01 * Math.sign(wrist[0])].sort((x, y) => x - y) as [number, number];
  return {
    sdf: knit(band, (_x, y, z) => Math.atan2(y - wrist[1], z - wrist[2]), 26),
    low: [a, wrist[1] - 0.045, wrist[2] - 0.045],
    high: [b, wrist[1] + 0.045, wrist[2] + 0.045],
    cell_m: 0.0036,
    segments: armSegments(rig).filter(({ joint }) => joint.startsWith(side)),
  };
}

export function trousers(rig: Rig): Part {
  const pelvis = rig.rest("pelvis");
  const [hip, knee, ankle] = [rig.rest("left_hip"), rig.rest("left_knee"), rig.rest("left_ankle")];
  const y = pelvis[1];
  const seat = loft([
    { y: y - 0.13, w: 0.146, d: 0.1, z: -0.002 },
    { y: y - 0.07, w: 0.149, d: 0.108, z: -0.004 },
    { y: y + 0.02, w: 0.142, d: 0.1, z: 0 },
    { y: y + 0.09, w: 0.13, d: 0.09, z: 0 },
  ]);
  const cut = at(ankle, 0, 0.018, 0.006);
  const leg = tube(
    [at(hip, -0.014, -0.02, -0.006), lerp3(hip, knee, 0.5), at(knee, 0, 0, 0.004), at(lerp3(knee, ankle, 0.35), 0, 0, -0.01), at(cut, 0, 0.03, 0), at(cut, 0, -0.02, 0)],
    [0.072, 0.074, 0.062, 0.059, 0.051, 0.053],
  );
  return {
    sdf: symmetric(intersect(0.008, union(0.035, seat, leg), plane(cut, [0, -1, 0]))),
    low: [-0.21, cut[1] - 0.03, -0.16],
    high: [0.21, y + 0.11, 0.16],
    cell_m: 0.0095,
    segments: [...torsoSegments(rig), ...legSegments(rig)],
  };
}

export function shoes(rig: Rig): Part {
  const [ankle, foot] = [rig.rest("left_ankle"), rig.rest("left_foot")];
  const body = union(
    0.03,
    ellipsoid([foot[0], 0.036, foot[2] + 0.012], [0.046, 0.036, 0.066]),
    ellipsoid([(ankle[0] + foot[0]) / 2, 0.05, 0.045], [0.037, 0.042, 0.06]),
    ellipsoid([ankle[0], 0.055, ankle[2] - 0.02], [0.038, 0.056, 0.046]),
    taper([ankle[0], 0.07, ankle[2]], [ankle[0], 0.1, ankle[2] - 0.004], 0.043, 0.041),
  );
  const cut = intersect(0.006, body, plane([0, 0.022, 0], [0, -1, 0]));
  const opening = taper([ankle[0], 0.1, ankle[2]], [ankle[0], 0.16, ankle[2]], 0.033, 0.036);
  return {
    sdf: symmetric(subtract(0.008, cut, opening)),
    low: [-0.2, 0, -0.13],
    high: [0.2, 0.16, 0.21],
    cell_m: 0.0065,
    segments: footSegments(rig),
  };
}

export function soles(rig: Rig): Part {
  const [ankle, foot] = [rig.rest("left_ankle"), rig.rest("left_foot")];
  const print = union(
    0.03,
    taper([ankle[0], 0.014, ankle[2] - 0.02], [ankle[0], 0.014, ankle[2] + 0.04], 0.041, 0.038),
    taper([ankle[0] + 0.004, 0.014, 0.04], [foot[0], 0.014, foot[2] + 0.02], 0.038, 0.05),
  );
  const slab: Sdf = (_x, y) => Math.abs(y - 0.014) - 0.0135;
  return {
    sdf: symmetric((x, y, z) => smoothMax(print(x, 0.014, z), slab(x, y, z), 0.007)),
    low: [-0.2, -0.01, -0.13],
    high: [0.2, 0.045, 0.21],
    cell_m: 0.006,
    segments: footSegments(rig),
  };
}

export function neck(rig: Rig): Part {
  const [base, head] = [rig.rest("neck"), rig.rest("head")];
  return {
    sdf: union(0.03, taper(at(base, 0, -0.05, 0), at(base, 0, 0.03, 0.006), 0.058, 0.05), taper(at(base, 0, 0.03, 0.006), at(head, 0, 0.02, 0.002), 0.05, 0.051)),
    low: [-0.1, base[1] - 0.12, -0.13],
    high: [0.1, head[1] + 0.09, 0.1],
    cell_m: 0.009,
    segments: neckSegments(rig),
  };
}

function neckSegments(rig: Rig): Segment[] {
  const [base, head] = [rig.rest("neck"), rig.rest("head")];
  return [
      { joint: "spine3", from: at(base, 0, -0.1, 0), to: at(base, 0, -0.02, 0), radius: 0.06 },
      { joint: "neck", from: at(base, 0, 0.01, 0), to: at(lerp3(base, head, 0.6), 0, 0, 0), radius: 0.05 },
      { joint: "head", from: at(head, 0, 0.015, 0), to: at(head, 0, 0.08, 0), radius: 0.05 },
  ];
}

function torsoSegments(rig: Rig): Segment[] {
  const [pelvis, s1, s2, s3, neckBase] = ["pelvis", "spine1", "spine2", "spine3", "neck"].map((n) => rig.rest(n)) as [Vec3, Vec3, Vec3, Vec3, Vec3];
  return [
    { joint: "pelvis", from: at(pelvis, 0, -0.12, 0), to: pelvis, radius: 0.15 },
    { joint: "pelvis", from: at(pelvis, -0.07, -0.03, 0), to: at(pelvis, 0.07, -0.03, 0), radius: 0.12 },
    { joint: "spine1", from: s1, to: s2, radius: 0.14 },
    { joint: "spine2", from: s2, to: s3, radius: 0.14 },
    { joint: "spine3", from: at(s3, 0, 0.02, 0), to: at(neckBase, 0, -0.01, 0), radius: 0.15 },
    ...sides((side) => ({ joint: `${side}_collar`, from: lerp3(rig.rest(`${side}_collar`), rig.rest(`${side}_shoulder`), 0.35), to: lerp3(rig.rest(`${side}_collar`), rig.rest(`${side}_shoulder`), 0.85), radius: 0.065 })),
  ];
}

function armSegments(rig: Rig): Segment[] {
  return [
    ...sides((side) => ({ joint: `${side}_shoulder`, from: at(rig.rest(`${side}_shoulder`), side === "left" ? 0.015 : -0.015, 0, 0), to: rig.rest(`${side}_elbow`), radius: 0.06 })),
    ...sides((side) => ({ joint: `${side}_elbow`, from: rig.rest(`${side}_elbow`), to: rig.rest(`${side}_wrist`), radius: 0.06 })),
  ];
}

function legSegments(rig: Rig): Segment[] {
  return [
    ...sides((side) => ({ joint: `${side}_hip`, from: at(rig.rest(`${side}_hip`), 0, -0.03, 0), to: rig.rest(`${side}_knee`), radius: 0.08 })),
    ...sides((side) => ({ joint: `${side}_knee`, from: rig.rest(`${side}_knee`), to: rig.rest(`${side}_ankle`), radius: 0.08 })),
  ];
}

function footSegments(rig: Rig): Segment[] {
  return [
    ...sides((side) => ({ joint: `${side}_ankle`, from: at(rig.rest(`${side}_ankle`), 0, -0.02, -0.04), to: at(rig.rest(`${side}_foot`), 0, 0.02, -0.04), radius: 0.05 })),
    ...sides((side) => ({ joint: `${side}_foot`, from: at(rig.rest(`${side}_foot`), 0, 0, 0.03), to: at(rig.rest(`${side}_foot`), 0, 0, 0.08), radius: 0.05 })),
  ];
}

function sides(make: (side: "left" | "right") => Segment): Segment[] {
  return [make("left"), make("right")];
}

