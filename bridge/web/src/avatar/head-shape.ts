import { add3, ellipsoid, intersect, mix, plane, type Sdf, smoothstep, sphere, subtract, symmetric, taper, union, type Vec3 } from "./sdf";

/** Landmarks in head space (origin: the head joint), metres. `eye` and `jaw` come from the skeleton. */
export interface Landmarks {
  eye: Vec3;
  jaw: Vec3;
  mouth: Vec3;
  mouthHalfWidth: number;
  eyeRadius: number;
}

export function landmarks(eye: Vec3, jaw: Vec3): Landmarks {
  return { eye: add3(eye, [0.0005, -0.001, -0.0015]), jaw, mouth: [0, -0.0215, 0.094], mouthHalfWidth: 0.0225, eyeRadius: 0.0168 };
}

/** Skull, face and nose without lips, ears and hair. */
export function headField({ eye, mouth }: Landmarks): Sdf {
  const cranium = ellipsoid([0, 0.062, -0.006], [0.077, 0.088, 0.093]);
  const face = ellipsoid([0, 0.014, 0.026], [0.063, 0.08, 0.06]);
  const jawLine = taper([0.037, -0.012, 0.012], [0.008, -0.046, 0.06], 0.023, 0.021);
  const chin = ellipsoid([0, -0.047, 0.068], [0.019, 0.016, 0.018]);
  const cheek = ellipsoid([0.036, 0.01, 0.058], [0.024, 0.024, 0.026]);
  const muzzle = ellipsoid([0, mouth[1] + 0.002, 0.064], [0.031, 0.022, 0.026]);
  const brow = taper([0.008, 0.078, 0.079], [0.042, 0.079, 0.058], 0.012, 0.011);
  const skull = union(0.035, cranium, face, jawLine, chin);
  const full = union(0.024, skull, cheek, muzzle, brow);
  const socket = ellipsoid(add3(eye, [-0.0005, 0.0015, 0.0195]), [0.0205, 0.0148, 0.0165]);
  const nose = union(
    0.009,
    taper([0, 0.056, 0.083], [0, 0.018, 0.104], 0.0062, 0.0078),
    sphere([0, 0.0145, 0.1065], 0.0088),
    ellipsoid([0.0088, 0.011, 0.0975], [0.0064, 0.0058, 0.0085]),
  );
  return symmetric(union(0.009, subtract(0.014, full, socket), nose));
}

export function earField(): Sdf {
  const outer = ellipsoid([0.0765, 0.05, -0.01], [0.0078, 0.027, 0.0175]);
  const lobe = ellipsoid([0.073, 0.028, -0.002], [0.006, 0.0095, 0.008]);
  const dent = ellipsoid([0.0848, 0.0515, -0.006], [0.0055, 0.0175, 0.0105]);
  return symmetric(subtract(0.005, union(0.012, outer, lobe), dent));
}

/** Short combed hair: an offset of the skull inside a hairline, with a side-swept quiff and combed grooves. */
export function hairField(): Sdf {
  const cap = ellipsoid([0, 0.066, -0.01], [0.0845, 0.0945, 0.099]);
  const back = ellipsoid([0, 0.04, -0.045], [0.07, 0.056, 0.054]);
  const quiff = union(
    0.03,
    taper([-0.052, 0.118, 0.054], [-0.005, 0.137, 0.069], 0.018, 0.024),
    taper([-0.005, 0.137, 0.069], [0.058, 0.12, 0.042], 0.024, 0.018),
    taper([0.0, 0.143, 0.035], [0, 0.14, -0.04], 0.024, 0.022),
  );
  const volume = union(0.03, cap, back, quiff);
  const faceCut = ellipsoid([0.004, 0.03, 0.088], [0.078, 0.092, 0.07]);
  const earCut = ellipsoid([0.08, 0.035, 0.004], [0.03, 0.036, 0.024]);
  const nape = plane([0, 0.006, -0.05], [0, -1, -0.25]);
  const trimmed = intersect(0.014, subtract(0.012, subtract(0.016, volume, faceCut), (x, y, z) => earCut(Math.abs(x), y, z)), nape);
  return (x, y, z) => trimmed(x, y, z) + grooves(x, y, z);
}

/** Shallow furrows that follow the comb: from the parting over the crown, and down at the sides. */
function grooves(x: number, y: number, z: number): number {
  const top = smoothstep(0.1, 0.145, y);
  const sides = Math.sin(Math.atan2(x, -z + 0.03) * 24 + 14 * y);
  const crown = Math.sin(150 * z + 90 * (x - 0.02) * (x - 0.02) * 12 + 1.5 * Math.sin(30 * x));
  return 0.0012 * mix(sides, crown, top);
}

/** Distance from the centre along a ray at which the field turns positive for good (the outermost skin). */
export function castOutwards(sdf: Sdf, centre: Vec3, direction: Vec3, reach_m = 0.14): number {
  let t = reach_m;
  for (let step = 0; step < 40; step++) {
    const d = sdf(centre[0] + t * direction[0], centre[1] + t * direction[1], centre[2] + t * direction[2]);
    if (d < 3e-5) break;
    t -= 0.9 * d;
  }
  return t;
}

