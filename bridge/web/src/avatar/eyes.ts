import { BufferAttribute, BufferGeometry, Color, DoubleSide, Group, Mesh, MeshBasicMaterial, MeshPhysicalMaterial, type MeshStandardMaterial, SphereGeometry } from "three";
import type { Landmarks } from "./head-shape";
import { color, skinMaterial } from "./palette";
import { mix, smoothstep } from "./sdf";

const IRIS_RAD = 0.54;
const PUPIL_RAD = 0.23;
const LOOK_RAD = { x: 0.5, y: 0.35 };

export interface EyeWeights {
  blink: number;
  wide: number;
  squint: number;
  /** -1..1: towards the character's left, and up. */
  lookX: number;
  lookY: number;
}

/** One eye: ball, upper and lower lid, lashes. Lids are shells around the ball, redrawn when they move. */
export class Eye {
  readonly group = new Group();
  private readonly ball: Mesh;
  private readonly glint: Mesh;
  private readonly upper: Lid;
  private readonly lower: Lid;

  constructor(marks: Landmarks, sign: number) {
    this.group.position.set(sign * marks.eye[0], marks.eye[1], marks.eye[2]);
    this.group.rotation.y = sign * 0.12; // almond eyes follow the curve of the face
    this.ball = new Mesh(eyeball(marks.eyeRadius), new MeshPhysicalMaterial({ vertexColors: true, roughness: 0.25, clearcoat: 1, clearcoatRoughness: 0.04 }));
    this.glint = new Mesh(new SphereGeometry(marks.eyeRadius * 0.11, 10, 8), new MeshBasicMaterial({ color: "white" }));
    this.glint.position.set(0.0035, 0.0048, marks.eyeRadius * 0.915);
    this.upper = new Lid(marks.eyeRadius, 1, sign);
    this.lower = new Lid(marks.eyeRadius, -1, sign);
    this.group.add(this.ball, this.glint, this.upper.mesh, this.lower.mesh);
    this.update({ blink: 0, wide: 0, squint: 0, lookX: 0, lookY: 0 });
  }

  update({ blink, wide, squint, lookX, lookY }: EyeWeights): void {
    this.ball.rotation.set(-lookY * LOOK_RAD.y, lookX * LOOK_RAD.x - this.group.rotation.y * 0.6, 0);
    const down = Math.max(0, -lookY);
    const open = mix(0.38 + 0.16 * wide - 0.1 * squint + 0.1 * Math.max(0, lookY) - 0.25 * down, -0.36, blink);
    const under = mix(-0.47 + 0.2 * squint - 0.05 * wide - 0.08 * down, -0.4, blink);
    this.glint.visible = blink < 0.35;
    this.upper.update(open);
    this.lower.update(Math.min(under, open - 0.01));
  }
}

function eyeball(radius: number): BufferGeometry {
  const geometry = new SphereGeometry(radius, 40, 90);
  geometry.rotateX(Math.PI / 2); // the pole looks forward
  const position = geometry.getAttribute("position");
  const colors = new Float32Array(3 * position.count);
  for (let i = 0; i < position.count; i++) {
    const angle = Math.acos(Math.min(1, position.getZ(i) / radius));
    irisColor(angle, Math.atan2(position.getY(i), position.getX(i))).toArray(colors, 3 * i);
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 3));
  return geometry;
}

function irisColor(angle: number, around: number): Color {
  const ray = 0.5 + 0.5 * Math.sin(around * 17) * Math.sin(around * 7 + 1);
  const lit = 0.75 + 0.45 * Math.max(0, -Math.sin(around)) + 0.12 * ray; // light gathers at the bottom of an iris
  const iris = color("iris").multiplyScalar(lit * mix(0.85, 1.15, smoothstep(PUPIL_RAD, IRIS_RAD, angle)));
  const limbus = new Color("#1c2f33");
  iris.lerp(limbus, smoothstep(IRIS_RAD - 0.12, IRIS_RAD, angle));
  iris.lerp(new Color("#060606"), smoothstep(PUPIL_RAD + 0.03, PUPIL_RAD - 0.01, angle));
  return iris.lerp(color("sclera"), smoothstep(IRIS_RAD - 0.01, IRIS_RAD + 0.03, angle));
}

const COLUMNS = 28;
const ROWS = 11;
const LASH_ROWS = 3;

/** Part of a shell around the eyeball, from far behind its edge (hidden in the head) to the edge itself. */
class Lid {
  readonly mesh: Mesh<BufferGeometry, MeshStandardMaterial>;
  private last = Number.NaN;

  constructor(private readonly radius: number, private readonly direction: 1 | -1, private readonly sign: number) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(3 * COLUMNS * ROWS), 3));
    geometry.setAttribute("color", new BufferAttribute(this.colors(), 3));
    geometry.setIndex(gridIndices(direction));
    const material = skinMaterial(true);
    material.side = DoubleSide;
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
  }

  /** Elevation of the middle of the lid's edge above the eye's axis, radians. */
  update(edge: number): void {
    if (edge === this.last) return;
    this.last = edge;
    const position = this.mesh.geometry.getAttribute("position") as BufferAttribute;
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) this.place(position, row, column, edge);
    }
    position.needsUpdate = true;
    this.mesh.geometry.computeVertexNormals();
  }

  private place(position: BufferAttribute, row: number, column: number, edge: number): void {
    const u = (column / (COLUMNS - 1)) * 2 - 1; // -1: nearer the nose, 1: the temple
    const azimuth = u * 1.2;
    const corner = -0.1 + 0.09 * u; // the outer corner stands a little higher
    const arch = Math.max(0, Math.cos((u * 0.96 + 0.04 * this.direction) * (Math.PI / 2))) ** 0.72;
    const rim = mix(corner, edge, arch);
    const body = ROWS - LASH_ROWS;
    const t = Math.min(1, row / (body - 1));
    const elevation = mix(this.direction * 1.35, rim, t);
    const lash = Math.max(0, row - body + 1) / LASH_ROWS;
    const length = this.direction > 0 ? 0.16 + 0.1 * Math.max(0, u) : 0.05;
    const r = this.radius * (mix(0.97, 1.09, t ** 0.6) + lash * length);
    const lift = elevation + this.direction * lash * (this.direction > 0 ? 0.1 : 0.02);
    const x = this.sign * r * Math.sin(azimuth) * Math.cos(lift);
    position.setXYZ(row * COLUMNS + column, x, r * Math.sin(lift), r * Math.cos(azimuth) * Math.cos(lift));
  }

  private colors(): Float32Array {
    const out = new Float32Array(3 * COLUMNS * ROWS);
    const crease = color("skin");
    const lash = new Color("#1d120e");
    for (let i = 0; i < COLUMNS * ROWS; i++) {
      const row = Math.floor(i / COLUMNS);
      const isLash = row > ROWS - LASH_ROWS - 1;
      const tone = isLash ? (this.direction > 0 ? lash : crease.clone().lerp(lash, 0.35)) : crease;
      tone.toArray(out, 3 * i);
    }
    return out;
  }
}

function gridIndices(direction: number): number[] {
  const indices: number[] = [];
  for (let row = 0; row < ROWS - 1; row++) {
    for (let column = 0; column < COLUMNS - 1; column++) {
      const a = row * COLUMNS + column;
      const [b, c, d] = [a + 1, a + COLUMNS, a + COLUMNS + 1];
      indices.push(...(direction > 0 ? [a, c, b, b, c, d] : [a, b, c, b, d, c]));
    }
  }
  return indices;
}
