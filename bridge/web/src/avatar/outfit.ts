import type { Rig } from "./rig";
import { add3, ellipsoid, intersect, lerp3, loft, plane, type Sdf, smoothMax, subtract, symmetric, taper, union, type Vec3 } from "./sdf";
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

const WRIST_CUT = 0.9; // how far down the forearm the sleeve reaches

export function sweater(rig: Rig): Part {
  const pelvis = rig.rest("pelvis");
  const neck = rig.rest("neck");
  const [shoulder, elbow, wrist] = [rig.rest("left_shoulder"), rig.rest("left_elbow"), rig.rest("left_wrist")];
  const cuff = lerp3(elbow, wrist, WRIST_CUT);
  const y = pelvis[1];
  const torso = loft([
    { y: y - 0.085, w: 0.158, d: 0.118, z: 0.004 },
    { y: y - 0.06, w: 0.17, d: 0.128, z: 0.004 },
    { y: y + 0.02, w: 0.163, d: 0.12, z: 0.002 },
    { y: y + 0.11, w: 0.148, d: 0.108, z: 0.0 },
    { y: y + 0.21, w: 0.15, d: 0.109, z: 0.003 },
    { y: y + 0.31, w: 0.158, d: 0.114, z: 0.002 },
    { y: y + 0.39, w: 0.15, d: 0.1, z: -0.008 },
    { y: y + 0.45, w: 0.115, d: 0.074, z: -0.02 },
    { y: y + 0.5, w: 0.068, d: 0.06, z: -0.024 },
  ]);
  const sleeve = union(
    0.02,
    taper(at(shoulder, -0.02, -0.008, 0), lerp3(shoulder, elbow, 0.5), 0.066, 0.056),
    taper(lerp3(shoulder, elbow, 0.5), elbow, 0.056, 0.051),
    taper(elbow, lerp3(elbow, wrist, 0.72), 0.051, 0.047),
    taper(lerp3(elbow, wrist, 0.72), lerp3(elbow, wrist, 0.84), 0.047, 0.041),
  );
  const trapezius = taper(at(neck, 0.04, -0.02, 0), at(shoulder, -0.01, 0.008, 0), 0.04, 0.05);
  const half = union(0.06, torso, sleeve, trapezius);
  const open = intersect(0.008, half, plane(cuff, [1, 0, 0]));
  const collarHole = taper(at(neck, 0, -0.02, 0.004), at(neck, 0, 0.08, 0.03), 0.06, 0.066);
  return {
    sdf: subtract(0.01, symmetric(open), collarHole),
    low: [-cuff[0] - 0.03, y - 0.13, -0.17],
    high: [cuff[0] + 0.03, neck[1] + 0.07, 0.17],
    cell_m: 0.0095,
    segments: [...torsoSegments(rig), ...armSegments(rig)],
  };
}

/** Hem, cuffs and collar: knitted ribs in the accent colour. */
export function ribs(rig: Rig): Part {
  const pelvis = rig.rest("pelvis");
  const neck = rig.rest("neck");
  const [elbow, wrist] = [rig.rest("left_elbow"), rig.rest("left_wrist")];
  const hemY = pelvis[1] - 0.1;
  const hem = loft([
    { y: hemY - 0.022, w: 0.152, d: 0.112, z: 0.004 },
    { y: hemY + 0.022, w: 0.16, d: 0.119, z: 0.004 },
  ]);
  const cuff = taper(lerp3(elbow, wrist, 0.83), lerp3(elbow, wrist, 0.965), 0.036, 0.033);
  const band = subtract(
    0.006,
    taper(at(neck, 0, -0.012, 0.004), at(neck, 0, 0.022, 0.013), 0.073, 0.066),
    taper(at(neck, 0, -0.03, 0), at(neck, 0, 0.08, 0.026), 0.056, 0.057),
  );
  const collar = intersect(0.008, band, plane(at(neck, 0, 0.028, 0.012), [0, 1, -0.28]));
  const ribbing: Sdf = (x, _y, z) => 0.0011 * Math.cos(Math.atan2(x, z) * 64);
  const hemRibbed: Sdf = (x, yy, z) => hem(x, yy, z) + ribbing(x, yy, z);
  return {
    sdf: symmetric(union(0.002, hemRibbed, intersect(0.005, cuff, plane(lerp3(elbow, wrist, 0.965), [1, 0, 0])), collar)),
    low: [-wrist[0] - 0.03, hemY - 0.04, -0.16],
    high: [wrist[0] + 0.03, neck[1] + 0.1, 0.16],
    cell_m: 0.007,
    segments: [...torsoSegments(rig), ...armSegments(rig)],
  };
}

export function trousers(rig: Rig): Part {
  const pelvis = rig.rest("pelvis");
  const [hip, knee, ankle] = [rig.rest("left_hip"), rig.rest("left_knee"), rig.rest("left_ankle")];
  const y = pelvis[1];
  const seat = loft([
    { y: y - 0.13, w: 0.15, d: 0.1, z: -0.002 },
    { y: y - 0.07, w: 0.158, d: 0.112, z: -0.004 },
    { y: y + 0.02, w: 0.146, d: 0.1, z: 0 },
    { y: y + 0.09, w: 0.135, d: 0.092, z: 0 },
  ]);
  const hem = at(ankle, 0, 0.02, 0.006);
  const leg = union(
    0.03,
    taper(at(hip, -0.008, -0.02, -0.006), at(lerp3(hip, knee, 0.5), 0, 0, 0), 0.086, 0.078),
    taper(lerp3(hip, knee, 0.5), at(knee, 0, 0, 0.004), 0.078, 0.062),
    taper(at(knee, 0, 0, 0.004), at(lerp3(knee, ankle, 0.35), 0, 0, -0.012), 0.062, 0.06),
    taper(at(lerp3(knee, ankle, 0.35), 0, 0, -0.012), hem, 0.06, 0.05),
  );
  const half = intersect(0.01, union(0.035, seat, leg), plane(hem, [0, -1, 0]));
  return {
    sdf: symmetric(half),
    low: [-0.22, hem[1] - 0.03, -0.17],
    high: [0.22, y + 0.12, 0.17],
    cell_m: 0.0095,
    segments: [...torsoSegments(rig).slice(0, 3), ...legSegments(rig)],
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
    segments: [
      { joint: "spine3", from: at(base, 0, -0.1, 0), to: at(base, 0, -0.02, 0), radius: 0.06 },
      { joint: "neck", from: at(base, 0, 0.01, 0), to: at(lerp3(base, head, 0.6), 0, 0, 0), radius: 0.05 },
      { joint: "head", from: at(head, 0, 0.015, 0), to: at(head, 0, 0.08, 0), radius: 0.05 },
    ],
  };
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

