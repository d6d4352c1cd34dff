import { BufferAttribute } from "three";
import type { HeadMesh, HeadVertex } from "./head-mesh";
import type { Landmarks } from "./head-shape";
import { NormalChange } from "./normal-change";
import { gauss, mix, smoothstep, type Vec3 } from "./sdf";

export const JAW_OPEN_RAD = 0.36;

/** Displacement of one vertex, metres, when its ARKit shape is fully on. */
type Morph = (v: HeadVertex, marks: Landmarks) => Vec3;

const upperHalf = ({ phi }: HeadVertex): boolean => Math.sin(phi) > 0;
/** 1 on the lips, fading over `sigma` in elliptic distance. */
const lips = ({ mu }: HeadVertex, sigma = 0.32): number => gauss(mu, sigma);
const side = (x: number, sign: number): number => smoothstep(-0.007, 0.007, sign * x);

/** How much a vertex belongs to the lower jaw. */
export function jawWeight({ mu, phi, position: [, y, z] }: HeadVertex, { mouth }: Landmarks): number {
  const around = smoothstep(0.3, -0.3, Math.sin(phi)); // at the lips: the lower one, half at the corners
  const below = smoothstep(mouth[1] + 0.03, mouth[1] - 0.012, y);
  const front = smoothstep(-0.015, 0.045, z);
  return mix(around, below, smoothstep(0.25, 1.1, mu)) * front;
}

/** Displacement of a point that turns with the jaw by `angle`. */
export function jawTurn([x, y, z]: Vec3, { jaw }: Landmarks, angle: number): Vec3 {
  const [dy, dz] = [y - jaw[1], z - jaw[2]];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [0 * x, c * dy - s * dz - dy, s * dy + c * dz - dz];
}

const scaled = (w: number, [x, y, z]: Vec3): Vec3 => [w * x, w * y, w * z];

const jawOpen: Morph = (v, marks) => scaled(jawWeight(v, marks), jawTurn(v.position, marks, JAW_OPEN_RAD));

/** Takes back what the open jaw did to the lips. */
const mouthClose: Morph = (v, marks) => {
  const [, y] = jawOpen(v, marks);
  const meet = jawTurn([0, marks.mouth[1], marks.mouth[2]], marks, JAW_OPEN_RAD)[1] * 0.45;
  const on = lips(v, 0.5);
  return [0, on * (upperHalf(v) ? meet - y : meet - y), 0];
};

/** A pull at one corner of the mouth; `x` points outwards. */
function corner(sign: number, [x, y, z]: Vec3, sigma = 0.0135): Morph {
  return ({ flat }, { mouthHalfWidth }) => {
    const w = gauss(Math.hypot(flat[0] - sign * mouthHalfWidth, flat[1]), sigma);
    return [sign * x * w, y * w, z * w];
  };
}

function smile(sign: number): Morph {
  const pull = corner(sign, [0.007, 0.0095, -0.005], 0.0145);
  return (v, marks) => {
    const [x, y, z] = pull(v, marks);
    const [px, py, pz] = v.position;
    const cheek = gauss(Math.hypot(px - sign * 0.04, py - 0.012, pz - 0.072), 0.015);
    return [x + sign * 0.002 * cheek, y + 0.004 * cheek, z + 0.004 * cheek];
  };
}

/** Moves one half of one lip. */
function lip(upper: boolean, sign: number, [x, y, z]: Vec3): Morph {
  return (v) => {
    const w = (upperHalf(v) === upper ? 1 : 0) * lips(v, 0.42) * (sign ? side(v.flat[0], sign) : 1) * Math.abs(Math.sin(v.phi)) ** 0.6;
    return [x * w, y * w, z * w];
  };
}

const round = (inwards: number, forwards: number, opening: number): Morph => (v, marks) => {
  const w = lips(v, 0.5);
  const x = -inwards * (v.flat[0] / marks.mouthHalfWidth);
  const open = (upperHalf(v) ? 0.8 : -1) * opening * Math.abs(Math.sin(v.phi)) ** 0.5;
  return [x * w, open * w, forwards * w];
};

/** A soft bump at a place of the face (x mirrored by `sign`). */
function area(sign: number, [cx, cy, cz]: Vec3, sigma: number, [x, y, z]: Vec3): Morph {
  return ({ position: [px, py, pz], inner }) => {
    const w = inner ? 0 : gauss(Math.hypot(px - sign * cx, py - cy, pz - cz), sigma);
    return [sign * x * w, y * w, z * w];
  };
}

const jawShift = (shift: Vec3): Morph => (v, marks) => scaled(jawWeight(v, marks), shift);
const mouthShift = (x: number): Morph => (v) => scaled(lips(v, 0.8), [x, 0, 0]);

const BROW_INNER: Vec3 = [0.014, 0.08, 0.088];
const BROW_OUTER: Vec3 = [0.04, 0.08, 0.068];

/** The ARKit shapes that move skin; lids, eyes and brows are other meshes. */
export const HEAD_MORPHS: Record<string, Morph> = {
  jawOpen,
  jawForward: jawShift([0, 0, 0.006]),
  jawLeft: jawShift([0.007, 0, 0]),
  jawRight: jawShift([-0.007, 0, 0]),
  mouthClose,
  mouthFunnel: round(0.006, 0.007, 0.0052),
  mouthPucker: round(0.0105, 0.008, 0.0008),
  mouthLeft: mouthShift(0.008),
  mouthRight: mouthShift(-0.008),
  mouthSmileLeft: smile(1),
  mouthSmileRight: smile(-1),
  mouthFrownLeft: corner(1, [0.001, -0.008, -0.001]),
  mouthFrownRight: corner(-1, [0.001, -0.008, -0.001]),
  mouthDimpleLeft: corner(1, [0.004, 0.002, -0.005]),
  mouthDimpleRight: corner(-1, [0.004, 0.002, -0.005]),
  mouthStretchLeft: corner(1, [0.0085, -0.003, -0.004], 0.016),
  mouthStretchRight: corner(-1, [0.0085, -0.003, -0.004], 0.016),
  mouthRollLower: lip(false, 0, [0, 0.003, -0.0045]),
  mouthRollUpper: lip(true, 0, [0, -0.002, -0.0045]),
  mouthShrugLower: lip(false, 0, [0, 0.005, 0.003]),
  mouthShrugUpper: lip(true, 0, [0, 0.0045, 0.0025]),
  mouthPressLeft: (v) => scaled(lips(v, 0.35) * side(v.flat[0], 1), [0.001, upperHalf(v) ? -0.0012 : 0.0016, -0.0028]),
  mouthPressRight: (v) => scaled(lips(v, 0.35) * side(v.flat[0], -1), [-0.001, upperHalf(v) ? -0.0012 : 0.0016, -0.0028]),
  mouthLowerDownLeft: lip(false, 1, [0, -0.0075, 0.001]),
  mouthLowerDownRight: lip(false, -1, [0, -0.0075, 0.001]),
  mouthUpperUpLeft: lip(true, 1, [0, 0.0062, 0.0005]),
  mouthUpperUpRight: lip(true, -1, [0, 0.0062, 0.0005]),
  cheekPuff: (v, marks) => add(area(1, [0.042, -0.012, 0.066], 0.019, [0.009, 0, 0.006])(v, marks), area(-1, [0.042, -0.012, 0.066], 0.019, [0.009, 0, 0.006])(v, marks)),
  cheekSquintLeft: area(1, [0.04, 0.018, 0.074], 0.015, [0.001, 0.005, 0.003]),
  cheekSquintRight: area(-1, [0.04, 0.018, 0.074], 0.015, [0.001, 0.005, 0.003]),
  noseSneerLeft: area(1, [0.011, 0.014, 0.1], 0.008, [0.0012, 0.0042, -0.0005]),
  noseSneerRight: area(-1, [0.011, 0.014, 0.1], 0.008, [0.0012, 0.0042, -0.0005]),
  browDownLeft: area(1, BROW_INNER, 0.014, [-0.001, -0.004, 0.002]),
  browDownRight: area(-1, BROW_INNER, 0.014, [-0.001, -0.004, 0.002]),
  browInnerUp: (v, marks) => add(area(1, BROW_INNER, 0.014, [0, 0.005, 0.001])(v, marks), area(-1, BROW_INNER, 0.014, [0, 0.005, 0.001])(v, marks)),
  browOuterUpLeft: area(1, BROW_OUTER, 0.014, [0, 0.005, 0.001]),
  browOuterUpRight: area(-1, BROW_OUTER, 0.014, [0, 0.005, 0.001]),
};

const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** Adds one morph target, with its normals, per shape; returns their names in order. */
export function addMorphs({ geometry, vertices }: HeadMesh, marks: Landmarks): string[] {
  const names = Object.keys(HEAD_MORPHS);
  const normals = new NormalChange(geometry);
  const targets = names.map((name) => moves(vertices, HEAD_MORPHS[name]!, marks));
  geometry.morphAttributes = {
    position: targets.map((target) => new BufferAttribute(target, 3)),
    normal: targets.map((target) => new BufferAttribute(normals.of(target), 3)),
  };
  geometry.morphTargetsRelative = true;
  return names;
}

const NEGLIGIBLE_M = 3e-5;

function moves(vertices: readonly HeadVertex[], morph: Morph, marks: Landmarks): Float32Array {
  const out = new Float32Array(3 * vertices.length);
  vertices.forEach((vertex, v) => {
    const [x, y, z] = morph(vertex, marks);
    if (Math.abs(x) + Math.abs(y) + Math.abs(z) > NEGLIGIBLE_M) out.set([x, y, z], 3 * v);
  });
  return out;
}
