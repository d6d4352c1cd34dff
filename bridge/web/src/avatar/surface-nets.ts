import { BufferAttribute, BufferGeometry } from "three";
import { gradient, type Sdf, type Vec3 } from "./sdf";

const BLOCK = 8; // cells per side of a block that is skipped when the surface cannot pass through it

interface Grid {
  size: readonly [number, number, number];
  low: Vec3;
  cell_m: number;
  values: Float32Array;
}

/**
 * Meshes the zero level of a field inside a box (naive surface nets): one vertex per cell the surface crosses, then
 * pulled onto the surface, with normals from the field, so that coarse cells still shade smoothly.
 */
export function surfaceNets(sdf: Sdf, low: Vec3, high: Vec3, cell_m: number): BufferGeometry {
  const grid = sampleGrid(sdf, low, high, cell_m);
  const { positions, cellVertex } = placeVertices(grid);
  const indices = connect(grid, cellVertex);
  const normals = project(sdf, positions, cell_m);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setAttribute("normal", new BufferAttribute(normals, 3));
  geometry.setIndex(indices);
  return geometry;
}

function sampleGrid(sdf: Sdf, low: Vec3, high: Vec3, cell_m: number): Grid {
  const size = low.map((from, i) => Math.ceil((high[i]! - from) / cell_m) + 2) as unknown as Grid["size"];
  const values = new Float32Array(size[0] * size[1] * size[2]);
  const reach = BLOCK * cell_m * 0.87 * 1.5; // half a block's diagonal, with room for fields that overestimate
  const at = (axis: 0 | 1 | 2, i: number): number => low[axis] + i * cell_m;
  for (let bz = 0; bz < size[2]; bz += BLOCK) {
    for (let by = 0; by < size[1]; by += BLOCK) {
      for (let bx = 0; bx < size[0]; bx += BLOCK) {
        const centre = sdf(at(0, bx + BLOCK / 2), at(1, by + BLOCK / 2), at(2, bz + BLOCK / 2));
        const far = Math.abs(centre) > reach;
        for (let z = bz; z < Math.min(bz + BLOCK, size[2]); z++) {
          for (let y = by; y < Math.min(by + BLOCK, size[1]); y++) {
            const row = size[0] * (y + size[1] * z);
            for (let x = bx; x < Math.min(bx + BLOCK, size[0]); x++) {
              values[row + x] = far ? centre : sdf(at(0, x), at(1, y), at(2, z));
            }
          }
        }
      }
    }
  }
  return { size, low, cell_m, values };
}

const CORNERS = [0, 1, 2, 3, 4, 5, 6, 7].map((c) => [c & 1, (c >> 1) & 1, c >> 2] as const);
const EDGES = CORNERS.flatMap((_, a) => [1, 2, 4].filter((bit) => !(a & bit)).map((bit) => [a, a | bit] as const));

function placeVertices({ size, low, cell_m, values }: Grid): { positions: Float32Array; cellVertex: Int32Array } {
  const cellVertex = new Int32Array(values.length).fill(-1);
  const positions: number[] = [];
  const corner = new Float32Array(8);
  for (let z = 0; z < size[2] - 1; z++) {
    for (let y = 0; y < size[1] - 1; y++) {
      for (let x = 0; x < size[0] - 1; x++) {
        const cell = x + size[0] * (y + size[1] * z);
        let inside = 0;
        for (let c = 0; c < 8; c++) {
          const [dx, dy, dz] = CORNERS[c]!;
          corner[c] = values[cell + dx + size[0] * (dy + size[1] * dz)]!;
          if (corner[c]! < 0) inside++;
        }
        if (inside === 0 || inside === 8) continue;
        const [cx, cy, cz] = crossing(corner);
        cellVertex[cell] = positions.length / 3;
        positions.push(low[0] + (x + cx) * cell_m, low[1] + (y + cy) * cell_m, low[2] + (z + cz) * cell_m);
      }
    }
  }
  return { positions: Float32Array.from(positions), cellVertex };
}

/** Mean of the points where the surface crosses the cell's edges, in cell coordinates. */
function crossing(corner: Float32Array): [number, number, number] {
  let [sx, sy, sz, n] = [0, 0, 0, 0];
  for (const [a, b] of EDGES) {
    const [va, vb] = [corner[a]!, corner[b]!];
    if (va < 0 === vb < 0) continue;
    const t = va / (va - vb);
    sx += CORNERS[a]![0] + t * (CORNERS[b]![0] - CORNERS[a]![0]);
    sy += CORNERS[a]![1] + t * (CORNERS[b]![1] - CORNERS[a]![1]);
    sz += CORNERS[a]![2] + t * (CORNERS[b]![2] - CORNERS[a]![2]);
    n++;
  }
  return [sx / n, sy / n, sz / n];
}

/** One quad for every grid edge that changes sign, between the four cells around it. */
function connect({ size, values }: Grid, cellVertex: Int32Array): number[] {
  const stride = [1, size[0], size[0] * size[1]] as const;
  const indices: number[] = [];
  for (let z = 1; z < size[2] - 1; z++) {
    for (let y = 1; y < size[1] - 1; y++) {
      for (let x = 1; x < size[0] - 1; x++) {
        const cell = x + size[0] * (y + size[1] * z);
        const inside = values[cell]! < 0;
        for (let axis = 0; axis < 3; axis++) {
          if (inside === values[cell + stride[axis]!]! < 0) continue;
          const [u, v] = [stride[(axis + 1) % 3]!, stride[(axis + 2) % 3]!];
          const quad = [cell - u - v, cell - v, cell, cell - u].map((c) => cellVertex[c]!);
          const [a, b, c, d] = (inside ? quad : quad.reverse()) as [number, number, number, number];
          indices.push(a, b, c, a, c, d);
        }
      }
    }
  }
  return indices;
}

function project(sdf: Sdf, positions: Float32Array, cell_m: number): Float32Array {
  const normals = new Float32Array(positions.length);
  const step = 0.2 * cell_m;
  for (let i = 0; i < positions.length; i += 3) {
    let [x, y, z] = [positions[i]!, positions[i + 1]!, positions[i + 2]!];
    let g = gradient(sdf, x, y, z, step);
    const move = Math.max(-0.5 * cell_m, Math.min(0.5 * cell_m, sdf(x, y, z)));
    x -= move * g[0];
    y -= move * g[1];
    z -= move * g[2];
    g = gradient(sdf, x, y, z, step);
    positions.set([x, y, z], i);
    normals.set(g, i);
  }
  return normals;
}
