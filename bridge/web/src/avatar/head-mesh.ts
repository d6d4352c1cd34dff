import { BufferAttribute, BufferGeometry, Color } from "three";
import { castOutwards, headField, type Landmarks } from "./head-shape";
import { color } from "./palette";
import { add3, gauss, mix, type Sdf, smoothstep, type Vec3 } from "./sdf";

const SEGMENTS = 112;
const RINGS = 84;

interface Density {
  segments: number;
  rings: number;
}

const INNER = 5; // rings that turn inwards behind the lips
const HEAD_RADIUS = 0.09; // unrolls the head around the mouth: distance on the skin / this = angle
const CENTRE: Vec3 = [0, 0.02, 0.012];

/**
 * A vertex of the head in elliptic coordinates around the mouth, like the edge loops of a modelled face: `mu` is 0 on
 * the line between the lips and grows outwards, `phi` runs around it (0: the character's left corner, upper half
 * first). `flat` is the position on the unrolled skin, metres from the middle of the mouth.
 */
export interface HeadVertex {
  mu: number;
  phi: number;
  flat: readonly [number, number];
  /** 0 on the skin, 1..INNER on the rings behind the lips. */
  inner: number;
  position: Vec3;
}

export interface HeadMesh {
  geometry: BufferGeometry;
  vertices: HeadVertex[];
}

export function headMesh(marks: Landmarks, coarseness = 1): HeadMesh {
  const density = { segments: Math.round(SEGMENTS / coarseness), rings: Math.round(RINGS / coarseness) };
  const vertices = allVertices(marks, density);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(Float32Array.from(vertices.flatMap((v) => v.position)), 3));
  geometry.setAttribute("color", new BufferAttribute(Float32Array.from(vertices.flatMap((v) => tint(v, marks))), 3));
  geometry.setIndex(quads(density));
  geometry.computeVertexNormals();
  return { geometry, vertices };
}

function allVertices(marks: Landmarks, { segments, rings: count }: Density): HeadVertex[] {
  const field = headField(marks);
  const muEnd = Math.asinh((Math.PI * HEAD_RADIUS) / marks.mouthHalfWidth);
  const seam = ringOf(0, segments, field, marks);
  const rings = Array.from({ length: count + 1 }, (_, ring) => (ring ? ringOf((ring * muEnd) / count, segments, field, marks) : seam));
  const inner = Array.from({ length: INNER }, (_, i) => behindLips(seam, INNER - i));
  return [...inner, ...rings].flat();
}

function ringOf(mu: number, segments: number, field: Sdf, marks: Landmarks): HeadVertex[] {
  return Array.from({ length: segments }, (_, s) => {
    const phi = ((s + 0.5) / segments) * 2 * Math.PI;
    const half = marks.mouthHalfWidth;
    const flat = [half * Math.cosh(mu) * Math.cos(phi), half * Math.sinh(mu) * Math.sin(phi)] as const;
    const position = add3(onSkin(field, flat, marks), lipRelief(flat, mu, phi, marks));
    return { mu, phi, flat, inner: 0, position };
  });
}

/** Rolls the plane of the unrolled skin back onto the head and finds the surface along that ray. */
function onSkin(field: Sdf, [x, y]: readonly [number, number], { mouth }: Landmarks): Vec3 {
  const forward = unit([mouth[0] - CENTRE[0], mouth[1] - CENTRE[1], mouth[2] - CENTRE[2]]);
  const up = unit([0, forward[2], -forward[1]]);
  const distance = Math.hypot(x, y) || 1e-9;
  const angle = Math.min(Math.PI, distance / HEAD_RADIUS);
  const [c, s] = [Math.cos(angle), Math.sin(angle) / distance];
  const ray: Vec3 = [s * x, c * forward[1] + s * y * up[1], c * forward[2] + s * y * up[2]];
  const t = castOutwards(field, CENTRE, ray);
  return add3(CENTRE, [t * ray[0], t * ray[1], t * ray[2]]);
}

function unit(v: Vec3): Vec3 {
  const n = Math.hypot(...v);
  return [v[0] / n, v[1] / n, v[2] / n];
}

/** Height of the upper lip's edge (with a cupid's bow) and of the lower lip's, above the line between the lips. */
function lipHeight(x: number, upper: boolean, half: number): number {
  const u = Math.min(1, Math.abs(x) / half);
  if (!upper) return 0.0088 * (1 - u * u) ** 0.7;
  return 0.0066 * (1 - u ** 2.2) * (1 - 0.2 * gauss(x, 0.0022) + 0.12 * gauss(Math.abs(x) - 0.006, 0.003));
}

/** 1 on the red of the lips, 0 on the skin. */
function lipMask({ flat: [x, y], phi }: Pick<HeadVertex, "flat" | "phi">, half: number): number {
  const upper = Math.sin(phi) > 0;
  const height = lipHeight(x, upper, half);
  return smoothstep(1.12, 0.88, Math.abs(y) / Math.max(height, 1e-4)) * smoothstep(half * 1.04, half * 0.97, Math.abs(x));
}

/** Fullness of the lips, the groove between them, the philtrum and the dip under the lower lip. */
function lipRelief(flat: readonly [number, number], mu: number, phi: number, { mouthHalfWidth: half }: Landmarks): Vec3 {
  const [x, y] = flat;
  const upper = Math.sin(phi) > 0;
  const height = Math.max(lipHeight(x, upper, half), 1e-4);
  const across = Math.abs(y) / height;
  const along = Math.max(0, 1 - (x / (half * 1.06)) ** 2);
  const fullness = (upper ? 0.0042 : 0.0052) * along * gauss(across - 0.52, 0.42);
  const seam = -0.0012 * gauss(mu, 0.05);
  const corner = -0.0022 * gauss(Math.hypot(Math.abs(x) - half * 1.05, y), 0.0042);
  const philtrum = upper ? -0.0009 * gauss(x, 0.0026) * gauss(y - 0.0125, 0.004) : 0;
  const dip = upper ? 0 : -0.0024 * gauss(x, 0.014) * gauss(y + 0.0135, 0.004);
  const seamLine = (0.0007 * Math.cos((x / half) * Math.PI) + 0.0016 * (x / half) ** 4) * gauss(mu, 0.4);
  return [0, seamLine, fullness + seam + corner + philtrum + dip];
}

const WALL_DEPTH_M = [0, 0.0022, 0.006, 0.012, 0.02, 0.034];
const WALL_SPREAD_M = [0, 0.0004, 0.0022, 0.006, 0.009, 0.006];

/** The lips' wet inner side (1, 2), then the walls of the mouth. */
function behindLips(seam: readonly HeadVertex[], inner: number): HeadVertex[] {
  return seam.map((vertex) => {
    const [x, y, z] = vertex.position;
    const spread = Math.sign(Math.sin(vertex.phi)) * WALL_SPREAD_M[inner]!;
    return { ...vertex, inner, position: [x * (1 - 0.004 * inner), y + spread, z - WALL_DEPTH_M[inner]!] };
  });
}

function tint(vertex: HeadVertex, marks: Landmarks): [number, number, number] {
  const out = color("skin");
  const [x, y, z] = vertex.position;
  if (vertex.inner) {
    const deep = smoothstep(0.5, 3, vertex.inner);
    return new Color().lerpColors(color("lips"), color("mouth"), deep).toArray() as [number, number, number];
  }
  const cheeks = gauss(Math.hypot(Math.abs(x) - 0.042, y - 0.012, z - 0.07), 0.018);
  const nose = gauss(Math.hypot(x, y - 0.013, z - 0.112), 0.014);
  out.lerp(color("blush"), Math.min(0.55, 0.5 * cheeks + 0.35 * nose));
  out.lerp(color("lips"), 0.86 * lipMask(vertex, marks.mouthHalfWidth));
  const shade = mix(1, 0.82, 0.9 * gauss(vertex.mu, 0.035)); // the shadow in the line between the lips
  return out.multiplyScalar(vertex.mu < 0.4 ? shade : 1).toArray() as [number, number, number];
}

function quads({ segments, rings }: Density): number[] {
  const indices: number[] = [];
  for (let ring = 0; ring < rings + INNER; ring++) {
    for (let s = 0; s < segments; s++) {
      const next = (s + 1) % segments;
      const [a, b] = [ring * segments + s, ring * segments + next];
      const [c, d] = [a + segments, b + segments];
      indices.push(a, c, b, b, c, d);
    }
  }
  return indices;
}
