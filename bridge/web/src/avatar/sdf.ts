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

/** Several times faster than Math.hypot, which guards against overflow that metres never reach. */
export const length3 = (x: number, y: number, z: number): number => Math.sqrt(x * x + y * y + z * z);
export const length2 = (x: number, y: number): number => Math.sqrt(x * x + y * y);

/** Bump of height 1 at distance 0 and about 0.6 at distance `sigma`. */
export const gauss = (distance: number, sigma: number): number => Math.exp(-0.5 * (distance / sigma) ** 2);

export function sphere([cx, cy, cz]: Vec3, r: number): Sdf {
  return (x, y, z) => length3(x - cx, y - cy, z - cz) - r;
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
    const px = x - ax;
    const py = y - ay;
    const pz = z - az;
    const t = clamp01((px * dx + py * dy + pz * dz) * inverse);
    return length3(px - t * dx, py - t * dy, pz - t * dz) - ra - t * (rb - ra);
  };
}

/** Limb through several points with a radius at each; the radius runs smoothly, so no rings show at the points. */
export function tube(points: readonly Vec3[], radii: readonly number[]): Sdf {
  const steps = points.slice(1).map((to, i) => [to[0] - points[i]![0], to[1] - points[i]![1], to[2] - points[i]![2]] as const);
  const at = (i: number): number => radii[Math.max(0, Math.min(radii.length - 1, i))]!;
  return (x, y, z) => {
    let best = Infinity;
    for (let i = 0; i < steps.length; i++) {
      const [dx, dy, dz] = steps[i]!;
      const px = x - points[i]![0];
      const py = y - points[i]![1];
      const pz = z - points[i]![2];
      const t = clamp01((px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz));
      const radius = catmull(at(i - 1), at(i), at(i + 1), at(i + 2), t);
      best = Math.min(best, length3(px - t * dx, py - t * dy, pz - t * dz) - radius);
    }
    return best;
  };
}

export interface Section {
  y: number;
  /** Half width (x), half depth (z) and centre of the cross-section. */
  w: number;
  d: number;
  z: number;
}

const TABLE = 96;

/** Upright body through horizontal super-ellipses, smoothly interpolated between the sections (ascending y). */
export function loft(sections: readonly Section[], power = 2.4): Sdf {
  const low = sections[0]!.y;
  const high = sections.at(-1)!.y;
  const rows = Array.from({ length: TABLE + 1 }, (_, i) => sectionAt(sections, mix(low, high, i / TABLE)));
  const [w, d, cz] = [rows.map((row) => row.w), rows.map((row) => row.d), rows.map((row) => row.z)];
  return (x, y, z) => {
    const row = TABLE * clamp01((y - low) / (high - low));
    const i = Math.min(TABLE - 1, Math.floor(row));
    const t = row - i;
    const width = mix(w[i]!, w[i + 1]!, t);
    const depth = mix(d[i]!, d[i + 1]!, t);
    const across = Math.abs(x) / width;
    const along = Math.abs(z - mix(cz[i]!, cz[i + 1]!, t)) / depth;
    const side = ((across ** power + along ** power) ** (1 / power) - 1) * Math.min(width, depth);
    const end = Math.max(low - y, y - high);
    return end > 0 ? length2(Math.max(side, 0), end) : Math.max(side, end);
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

/** Unit gradient from four samples at the corners of a tetrahedron. */
export function gradient(sdf: Sdf, x: number, y: number, z: number, step: number): [number, number, number] {
  const a = sdf(x + step, y - step, z - step);
  const b = sdf(x - step, y - step, z + step);
  const c = sdf(x - step, y + step, z - step);
  const d = sdf(x + step, y + step, z + step);
  const gx = a - b - c + d;
  const gy = -a - b + c + d;
  const gz = -a + b - c + d;
  const n = length3(gx, gy, gz) || 1;
  return [gx / n, gy / n, gz / n];
}
