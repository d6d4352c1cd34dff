// Bakes the viewer's body into arrays that the glTF recorder skins and morphs: node tools/bake-avatar.mjs OUT.safetensors
// Run it again when src/avatar changes; the skeleton is that of the conformance kit. Everything is in the rest pose,
// metres, in the space of the wire. `body.*` is skinned and never morphs; `face.*` hangs on the head and has one morph
// target per ARKit shape: whatever the viewer does in code (jaw, lids, eyes, brows) is sampled with the shape fully on.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Color, Mesh, SkinnedMesh, Vector3 } from "three";
import { createServer } from "vite";

const COARSENESS = { body: 1.7, head: 1.25 };
const NEGLIGIBLE_M = 2e-5;
// Positions count steps of 0.05 mm from a corner that everything lies beyond, moves steps of 2 micrometres.
const [LOW_M, STEP_M, MOVE_STEP_M] = [-1.2, 5e-5, 2e-6];
// Teeth and tongue lie in the shadow of the mouth, which a file cannot bring along.
const SHADE = { TorusGeometry: 0.4, CapsuleGeometry: 0.55 };
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const { skeleton, blendshapes } = JSON.parse(readFileSync(resolve(root, "../conformance/golden/ready/f32.json"), "utf8"));

const server = await createServer({ root, server: { middlewareMode: true, hmr: false, ws: false }, logLevel: "error", appType: "custom" });
const { Avatar } = await server.ssrLoadModule("/src/avatar/avatar.ts");
const [avatar, headed] = [COARSENESS.body, COARSENESS.head].map((coarseness) => new Avatar(skeleton, blendshapes, coarseness));
const pose = { root_m: Float32Array.from(skeleton.rest_m.slice(0, 3)), quat_xyzw: new Float32Array(220), blendshapes: new Float32Array(52) };
for (let j = 0; j < 55; j++) pose.quat_xyzw[4 * j + 3] = 1;

show(-1);
const still = meshes().map((mesh) => worldPositions(mesh));
const morphs = blendshapes.map((_, shape) => {
  show(shape);
  return meshes().map((mesh, m) => worldPositions(mesh).map((x, i) => x - still[m][i]));
});
show(-1);
const moving = meshes().map((mesh, m) => !(mesh instanceof SkinnedMesh) && morphs.some((shape) => shape[m].some((d) => Math.abs(d) > NEGLIGIBLE_M)));

const tensors = {};
const metadata = { low_m: `${LOW_M}`, step_m: `${STEP_M}`, move_step_m: `${MOVE_STEP_M}`, bones: avatar.rig.bones.map((bone) => bone.name).join(" "), halves: [...avatar.rig.half].map((pair) => pair.join(":")).join(" ") };
for (const [name, wanted] of [["body", false], ["face", true]]) {
  const chosen = meshes().map((mesh, m) => ({ mesh, m })).filter(({ m }) => moving[m] === wanted);
  Object.assign(tensors, gather(name, chosen));
}
write(process.argv[2]);
await server.close();

/** All ARKit shapes at 0, but one. */
function show(shape) {
  pose.blendshapes.fill(0);
  if (shape >= 0) pose.blendshapes[shape] = 1;
  for (const each of [avatar, headed]) {
    each.apply(pose);
    each.group.updateMatrixWorld(true);
  }
}

function meshes() {
  const found = [];
  // The glint in the eye is an unlit trick of the viewer that comes and goes.
  const add = (node) => node instanceof Mesh && node.material.type !== "MeshBasicMaterial" && found.push(node);
  avatar.group.traverse((node) => node instanceof SkinnedMesh && add(node));
  headed.rig.bone("head").traverse(add);
  return found;
}

function worldPositions(mesh) {
  const out = new Float32Array(3 * mesh.geometry.getAttribute("position").count);
  const p = new Vector3();
  for (let v = 0; 3 * v < out.length; v++) mesh.getVertexPosition(v, p).applyMatrix4(mesh.matrixWorld).toArray(out, 3 * v);
  return out;
}

/** Several meshes as one: positions, linear colours, roughness in hundredths, skin, triangles; of the face its morphs. */
function gather(name, chosen) {
  const position = [], color = [], joints = [], weights = [], index = [], roughness = [];
  const head = avatar.rig.index("head");
  for (const { mesh, m } of chosen) {
    const first = position.length / 3;
    const { geometry, material } = mesh;
    const [own, skinIndex, skinWeight] = ["color", "skinIndex", "skinWeight"].map((key) => geometry.getAttribute(key));
    const count = geometry.getAttribute("position").count;
    const light = SHADE[geometry.type] ?? 1;
    for (const x of still[m]) position.push(x);
    for (let v = 0; v < count; v++) {
      const c = material.vertexColors ? new Color().fromBufferAttribute(own, v).multiply(material.color) : material.color;
      color.push(...c.toArray().map((x) => Math.round(65535 * Math.min(1, light * x))));
      for (let k = 0; k < 4; k++) joints.push(skinIndex ? skinIndex.getComponent(v, k) : k ? 0 : head);
      weights.push(...inBytes([0, 1, 2, 3].map((k) => (skinWeight ? skinWeight.getComponent(v, k) : k ? 0 : 1))));
      roughness.push(Math.round(100 * material.roughness));
    }
    const triangles = geometry.getIndex() ? geometry.getIndex().array : Array.from({ length: count }, (_, i) => i);
    for (const i of triangles) index.push(first + i);
  }
  const out = {
    [`${name}.position`]: ["U16", Uint16Array.from(position, (x) => Math.round((x - LOW_M) / STEP_M)), 3],
    [`${name}.color`]: ["U16", Uint16Array.from(color), 3],
    [`${name}.roughness`]: ["U8", Uint8Array.from(roughness), 1],
    [`${name}.joints`]: ["U8", Uint8Array.from(joints), 4],
    [`${name}.weights`]: ["U8", Uint8Array.from(weights), 4],
    [`${name}.index`]: ["U16", Uint16Array.from(index), 3],
  };
  if (name === "face") Object.assign(out, sparseMorphs(chosen));
  return out;
}

/** Four weights as bytes that add up to exactly 255. */
function inBytes(weights) {
  const bytes = weights.map((w) => Math.round(255 * w));
  bytes[bytes.indexOf(Math.max(...bytes))] += 255 - bytes.reduce((sum, b) => sum + b, 0);
  return bytes;
}

/** Per shape the vertices that it moves, ascending, and how far; `face.morph_ends` says where each shape's list ends. */
function sparseMorphs(chosen) {
  const vertices = [], moves = [], ends = [];
  for (const shape of morphs) {
    let first = 0;
    for (const { m } of chosen) {
      const move = shape[m];
      for (let v = 0; 3 * v < move.length; v++) {
        const d = [...move.subarray(3 * v, 3 * v + 3)];
        if (Math.max(...d.map(Math.abs)) <= NEGLIGIBLE_M) continue;
        vertices.push(first + v);
        moves.push(...d);
      }
      first += move.length / 3;
    }
    ends.push(vertices.length);
  }
  return {
    "face.morph_ends": ["U32", Uint32Array.from(ends), 1],
    "face.morph_vertices": ["U16", Uint16Array.from(vertices), 1],
    "face.morph_moves": ["I16", Int16Array.from(moves, (d) => Math.round(d / MOVE_STEP_M)), 3],
  };
}

/** safetensors: u64 length of the header, the header as JSON, the data. */
function write(path) {
  const header = { __metadata__: metadata };
  const data = [];
  let at = 0;
  for (const [name, [dtype, array, width]] of Object.entries(tensors)) {
    const shape = width > 1 ? [array.length / width, width] : [array.length];
    header[name] = { dtype, shape, data_offsets: [at, (at += array.byteLength)] };
    data.push(Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  }
  let text = JSON.stringify(header);
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(path, Buffer.concat([length, Buffer.from(text), ...data]));
}
