/** Signed distance fields, metres: negative inside. Approximate away from the surface, which meshing tolerates. */

export type Vec3 = readonly [number, number, number];
export type Sdf = (x: number, y: number, z: number) => number;

export const clamp01 = (x: number): number => Math.max(0, Math.min(1, x));
export const mix = (a: number, b: number, t: number): number => a + (b - a) * t;
export const lerp3 = (a: Vec3, b: Vec3, t: number): Vec3 => [mix(a[0], b[0], t), mix(a[1], b[1], t), mix(a[2], b[2], t)];
export const add3 = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const mirror = (a: Vec3): Vec3 => [-a[0], a[1], a[2]];

export function smoothstep(from: number, to: number, x: number): number {
  const t = clamp01((x - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/** Bump of height 1 at distance 0 and about 0.6 at distance `sigma`. */
export const gauss = (distance: number, sigma: number): number => Math.exp(-0.5 * (distance / sigma) ** 2);

export function sphere([cx, cy, cz]: Vec3, r: number): Sdf {
  return (x, y, z) => Math.hypot(x - cx, y - cy, z - cz) - r;
}

export function ellipsoid([cx, cy, cz]: Vec3, [rx, ry, rz]: Vec3): Sdf {
  return (x, y, z) => {
    const px = (x - cx) / rx;
    const py = (y - cy) / ry;
    const pz = (z - cz) / rz;
    const k0 = Math.sqrt(px * px + py * py + pz * pz);
    const k1 = Math.sqrt((px / rx) ** 2 + (py / ry) ** 2 + (pz / rz) ** 2);
    return k1 > 1e-9 ? (k0 * (k0 - 1)) / k1 : -Math.min(rx, ry, rz);
  };
}

/** Capsule whose radius goes from ra at a to rb at b. */
export function taper(a: Vec3, b: Vec3, ra: number, rb: number): Sdf {
  const [ax, ay, az] = a;
  const [dx, dy, dz] = [b[0] - ax, b[1] - ay, b[2] - az];
  const inverse = 1 / (dx * dx + dy * dy + dz * dz);
  return (x, y, z) => {
    const [px, py, pz] = [x - ax, y - ay, z - az];
    const t = clamp01((px * dx + py * dy + pz * dz) * inverse);
    return Math.hypot(px - t * dx, py - t * dy, pz - t * dz) - mix(ra, rb, t);
  };
}

export interface Section {
  y: number;
  /** Half width (x), half depth (z) and centre of the cross-section. */
  w: number;
  d: number;
  z: number;
}

/** Upright body through horizontal super-ellipses, smoothly interpolated between the sections (ascending y). */
export function loft(sections: readonly Section[], power = 2.4): Sdf {
  const [low, high] = [sections[0]!.y, sections.at(-1)!.y];
  return (x, y, z) => {
    const { w, d, z: cz } = sectionAt(sections, Math.max(low, Math.min(high, y)));
    const q = (Math.abs(x) / w) ** power + (Math.abs(z - cz) / d) ** power;
    const side = (q ** (1 / power) - 1) * Math.min(w, d);
    const end = Math.max(low - y, y - high);
    return end > 0 ? Math.hypot(Math.max(side, 0), end) : Math.max(side, end);
  };
}

function sectionAt(sections: readonly Section[], y: number): Section {
  let i = 0;
  while (i < sections.length - 2 && sections[i + 1]!.y < y) i++;
  const at = (k: number): Section => sections[Math.max(0, Math.min(sections.length - 1, k))]!;
  const [p, a, b, n] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
  const t = (y - a.y) / (b.y - a.y);
  const curve = (key: "w" | "d" | "z"): number => catmull(p[key], a[key], b[key], n[key], t);
  return { y, w: curve("w"), d: curve("d"), z: curve("z") };
}

export function catmull(p: number, a: number, b: number, n: number, t: number): number {
  return a + 0.5 * t * (b - p + t * (2 * p - 5 * a + 4 * b - n + t * (3 * (a - b) + n - p)));
}

/** Polynomial smooth minimum: surfaces closer than k melt together. */
export function smoothMin(a: number, b: number, k: number): number {
  const h = Math.max(k - Math.abs(a - b), 0) / k;
  return Math.min(a, b) - 0.25 * h * h * k;
}

export const smoothMax = (a: number, b: number, k: number): number => -smoothMin(-a, -b, k);

export function union(k: number, ...parts: Sdf[]): Sdf {
  return (x, y, z) => {
    let d = parts[0]!(x, y, z);
    for (let i = 1; i < parts.length; i++) d = smoothMin(d, parts[i]!(x, y, z), k);
    return d;
  };
}

export function intersect(k: number, a: Sdf, b: Sdf): Sdf {
  return (x, y, z) => smoothMax(a(x, y, z), b(x, y, z), k);
}

export function subtract(k: number, a: Sdf, b: Sdf): Sdf {
  return (x, y, z) => smoothMax(a(x, y, z), -b(x, y, z), k);
}

/** Evaluates only one half and mirrors it at x = 0. */
export function symmetric(half: Sdf): Sdf {
  return (x, y, z) => half(Math.abs(x), y, z);
}

/** Half space behind the plane through `point` with outward `normal`. */
export function plane(point: Vec3, normal: Vec3): Sdf {
  const n = Math.hypot(...normal);
  return (x, y, z) => ((x - point[0]) * normal[0] + (y - point[1]) * normal[1] + (z - point[2]) * normal[2]) / n;
}

/** Unit gradient by central differences. */
export function gradient(sdf: Sdf, x: number, y: number, z: number, step: number): [number, number, number] {
  const gx = sdf(x + step, y, z) - sdf(x - step, y, z);
  const gy = sdf(x, y + step, z) - sdf(x, y - step, z);
  const gz = sdf(x, y, z + step) - sdf(x, y, z - step);
  const n = Math.hypot(gx, gy, gz) || 1;
  return [gx / n, gy / n, gz / n];
}
