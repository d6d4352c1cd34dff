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
  return { eye: add3(eye, [0.001, 0, -0.001]), jaw, mouth: [0, -0.0215, 0.094], mouthHalfWidth: 0.0225, eyeRadius: 0.0158 };
}

/** Skull, face and nose without lips, ears and hair. */
export function headField({ eye, mouth }: Landmarks): Sdf {
  const cranium = ellipsoid([0, 0.062, -0.006], [0.077, 0.088, 0.093]);
  const face = ellipsoid([0, 0.014, 0.026], [0.063, 0.08, 0.06]);
  const jawLine = taper([0.04, -0.02, 0.008], [0.01, -0.05, 0.06], 0.022, 0.021);
  const chin = ellipsoid([0, -0.05, 0.068], [0.02, 0.017, 0.019]);
  const cheek = ellipsoid([0.036, 0.01, 0.058], [0.024, 0.024, 0.026]);
  const muzzle = ellipsoid([0, mouth[1] + 0.002, 0.064], [0.031, 0.022, 0.026]);
  const brow = taper([0.008, 0.077, 0.081], [0.042, 0.078, 0.06], 0.013, 0.011);
  const skull = union(0.035, cranium, face, jawLine, chin);
  const full = union(0.024, skull, cheek, muzzle, brow);
  const socket = ellipsoid(add3(eye, [-0.001, -0.001, 0.017]), [0.021, 0.0155, 0.017]);
  const nose = union(
    0.009,
    taper([0, 0.056, 0.084], [0, 0.016, 0.1065], 0.0068, 0.0088),
    sphere([0, 0.0125, 0.108], 0.0098),
    ellipsoid([0.0098, 0.009, 0.0985], [0.0072, 0.0066, 0.0092]),
  );
  return symmetric(union(0.009, subtract(0.014, full, socket), nose));
}

export function earField(): Sdf {
  const outer = ellipsoid([0.0795, 0.05, -0.01], [0.0085, 0.029, 0.018]);
  const lobe = ellipsoid([0.0755, 0.027, -0.002], [0.0065, 0.0105, 0.0085]);
  const dent = ellipsoid([0.0885, 0.0515, -0.006], [0.006, 0.019, 0.0105]);
  return symmetric(subtract(0.005, union(0.012, outer, lobe), dent));
}

/** Short combed hair: an offset of the skull inside a hairline, with a side-swept quiff and combed grooves. */
export function hairField(): Sdf {
  const cap = ellipsoid([0, 0.066, -0.01], [0.0845, 0.0945, 0.099]);
  const back = ellipsoid([0, 0.03, -0.045], [0.072, 0.062, 0.056]);
  const quiff = union(
    0.03,
    taper([-0.05, 0.122, 0.06], [0.01, 0.146, 0.07], 0.02, 0.027),
    taper([0.01, 0.146, 0.07], [0.058, 0.125, 0.045], 0.027, 0.018),
    taper([0.0, 0.15, 0.04], [0, 0.15, -0.04], 0.026, 0.02),
  );
  const volume = union(0.03, cap, back, quiff);
  const faceCut = ellipsoid([0.004, 0.03, 0.088], [0.078, 0.092, 0.07]);
  const earCut = ellipsoid([0.08, 0.035, 0.004], [0.03, 0.036, 0.024]);
  const nape = plane([0, -0.012, -0.05], [0, -1, -0.2]);
  const trimmed = intersect(0.014, subtract(0.012, subtract(0.016, volume, faceCut), (x, y, z) => earCut(Math.abs(x), y, z)), nape);
  return (x, y, z) => trimmed(x, y, z) + grooves(x, y, z);
}

/** Shallow furrows along the comb direction, from a parting on the character's left towards the right and back. */
function grooves(x: number, y: number, z: number): number {
  const top = smoothstep(0.09, 0.14, y);
  const across = Math.atan2(x - 0.03, 0.2 - y) * 30 + z * 40;
  const around = Math.atan2(x, -z + 0.03) * 26;
  const wave = mix(Math.sin(around + 26 * y), Math.sin(across * 2.2 + 60 * z), top);
  return 0.0011 * wave * (0.6 + 0.4 * Math.sin(70 * y + 31 * x));
}

/** Distance from the centre along a ray at which the field turns positive for good (the outermost skin). */
export function castOutwards(sdf: Sdf, centre: Vec3, direction: Vec3, reach_m = 0.2): number {
  let t = reach_m;
  for (let step = 0; step < 60; step++) {
    const d = sdf(centre[0] + t * direction[0], centre[1] + t * direction[1], centre[2] + t * direction[2]);
    if (d < 1e-5) break;
    t -= 0.8 * d;
  }
  return t;
}

