import type { BufferGeometry } from "three";

/**
 * How vertex normals change when some vertices move. Only triangles with a moved corner are looked at: a face has
 * some forty shapes, most of which move a few hundred of its ten thousand vertices.
 */
export class NormalChange {
  private readonly position: ArrayLike<number>;
  private readonly index: ArrayLike<number>;
  /** Area-weighted, not yet normalised. */
  private readonly sums: Float64Array;

  constructor(geometry: BufferGeometry) {
    this.position = geometry.getAttribute("position").array;
    this.index = geometry.getIndex()!.array;
    this.sums = new Float64Array(this.position.length);
    const still = new Float32Array(this.position.length);
    for (let t = 0; t < this.index.length; t += 3) this.addTriangle(t, still, 1, this.sums);
  }

  of(moves: Float32Array): Float32Array {
    const sums = this.sums.slice();
    const still = new Float32Array(moves.length);
    for (let t = 0; t < this.index.length; t += 3) {
      if (![0, 1, 2].some((k) => isMoved(moves, 3 * this.index[t + k]!))) continue;
      this.addTriangle(t, still, -1, sums);
      this.addTriangle(t, moves, 1, sums);
    }
    return this.difference(sums);
  }

  private addTriangle(t: number, moves: Float32Array, sign: number, sums: Float64Array): void {
    const [a, b, c] = [3 * this.index[t]!, 3 * this.index[t + 1]!, 3 * this.index[t + 2]!];
    const at = (v: number, axis: number): number => this.position[v + axis]! + moves[v + axis]!;
    const [ux, uy, uz] = [at(b, 0) - at(a, 0), at(b, 1) - at(a, 1), at(b, 2) - at(a, 2)];
    const [vx, vy, vz] = [at(c, 0) - at(a, 0), at(c, 1) - at(a, 1), at(c, 2) - at(a, 2)];
    const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx] as const;
    for (const v of [a, b, c]) for (let k = 0; k < 3; k++) sums[v + k]! += sign * normal[k]!;
  }

  private difference(sums: Float64Array): Float32Array {
    const out = new Float32Array(sums.length);
    for (let v = 0; v < sums.length; v += 3) {
      if (sums[v] === this.sums[v] && sums[v + 1] === this.sums[v + 1] && sums[v + 2] === this.sums[v + 2]) continue;
      const [now, before] = [length(sums, v), length(this.sums, v)];
      for (let k = 0; k < 3; k++) out[v + k] = sums[v + k]! / now - this.sums[v + k]! / before;
    }
    return out;
  }
}

const isMoved = (moves: Float32Array, v: number): boolean => moves[v] !== 0 || moves[v + 1] !== 0 || moves[v + 2] !== 0;
const length = (sums: Float64Array, v: number): number => Math.hypot(sums[v]!, sums[v + 1]!, sums[v + 2]!) || 1;
