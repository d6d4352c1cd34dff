import { BufferAttribute, BufferGeometry, Mesh } from "three";
import { matte } from "./palette";
import { gauss, mix, type Sdf, type Vec3 } from "./sdf";

const RINGS = 16;
const SIDES = 8;

export interface BrowWeights {
  innerUp: number;
  outerUp: number;
  down: number;
}

/** One eyebrow: a tapered tube along a curve that the weights bend. */
export class Brow {
  readonly mesh: Mesh;
  private last = "";

  constructor(private readonly sign: number, private readonly skin: Sdf) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array(3 * RINGS * SIDES), 3));
    geometry.setIndex(tubeIndices(sign));
    this.mesh = new Mesh(geometry, matte("hair", 0.85));
    this.mesh.frustumCulled = false;
    this.update({ innerUp: 0, outerUp: 0, down: 0 });
  }

  update(weights: BrowWeights): void {
    const key = `${weights.innerUp.toFixed(3)} ${weights.outerUp.toFixed(3)} ${weights.down.toFixed(3)}`;
    if (key === this.last) return;
    this.last = key;
    const position = this.mesh.geometry.getAttribute("position") as BufferAttribute;
    for (let ring = 0; ring < RINGS; ring++) {
      const t = ring / (RINGS - 1);
      const [x, y, z] = this.centre(t, weights);
      const thick = 0.0037 * Math.min(1, 4 * t + 0.5) * (1 - t) ** 0.5 + 0.0004;
      for (let s = 0; s < SIDES; s++) {
        const angle = (s / SIDES) * 2 * Math.PI;
        position.setXYZ(ring * SIDES + s, this.sign * x, y + thick * Math.sin(angle), z + 0.55 * thick * Math.cos(angle));
      }
    }
    position.needsUpdate = true;
    this.mesh.geometry.computeVertexNormals();
  }

  /** t = 0 at the nose, 1 at the temple; x before mirroring. */
  private centre(t: number, { innerUp, outerUp, down }: BrowWeights): Vec3 {
    const inner = 1 - t;
    const x = mix(0.0125, 0.05, t) - 0.0015 * down * inner;
    const arch = 0.0065 * Math.sin(Math.PI * Math.min(1, t * 0.9)) - 0.0045 * t ** 3;
    const y = 0.0815 + arch + 0.0085 * innerUp * inner ** 1.2 + 0.0075 * outerUp * gauss(t - 0.68, 0.32) - down * 0.007 * (0.35 + 0.65 * inner);
    return [x, y, this.surface(x, y) + 0.0008 + 0.0022 * (innerUp + outerUp + down)];
  }

  /** Depth of the forehead behind (x, y). */
  private surface(x: number, y: number): number {
    let z = 0.12;
    for (let step = 0; step < 12; step++) z -= this.skin(x, y, z);
    return z;
  }
}

function tubeIndices(sign: number): number[] {
  const indices: number[] = [];
  for (let ring = 0; ring < RINGS - 1; ring++) {
    for (let s = 0; s < SIDES; s++) {
      const [a, b] = [ring * SIDES + s, ring * SIDES + ((s + 1) % SIDES)];
      const [c, d] = sign > 0 ? [a + SIDES, b] : [b, a + SIDES]; // a mirrored tube is wound the other way
      indices.push(a, c, d, d, c, b + SIDES);
    }
  }
  return indices;
}
