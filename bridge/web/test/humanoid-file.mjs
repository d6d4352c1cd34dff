// Makes a small humanoid of capsules as a .vrm (0 or 1) or .glb file, in the ways that such files differ. For tests and
// pictures; its proportions are not those of the server's skeleton.
import { deflateSync } from "node:zlib";

/** Bone, parent, rest position in T-pose facing +z (left side and middle; the right side is its mirror image), radius. */
const BONES = [
  ["hips", null, [0, 1.04, 0], 0.115],
  ["spine", "hips", [0, 1.15, -0.01], 0.115],
  ["chest", "spine", [0, 1.27, -0.015], 0.125],
  ["upperChest", "chest", [0, 1.39, -0.01], 0.12],
  ["neck", "upperChest", [0, 1.54, -0.02], 0.05],
  ["head", "neck", [0, 1.62, 0], 0.105],
  ["jaw", "head", [0, 1.63, 0.02], 0],
  ["leftEye", "head", [0.034, 1.7, 0.085], 0],
  ["leftShoulder", "upperChest", [0.05, 1.48, -0.01], 0.06],
  ["leftUpperArm", "leftShoulder", [0.17, 1.48, -0.02], 0.05],
  ["leftLowerArm", "leftUpperArm", [0.45, 1.48, -0.025], 0.042],
  ["leftHand", "leftLowerArm", [0.7, 1.48, -0.02], 0.032],
  ["leftUpperLeg", "hips", [0.095, 0.98, 0], 0.08],
  ["leftLowerLeg", "leftUpperLeg", [0.1, 0.54, 0.005], 0.06],
  ["leftFoot", "leftLowerLeg", [0.1, 0.1, -0.02], 0.035],
  ["leftToes", "leftFoot", [0.105, 0.035, 0.12], 0.035],
  ...["Thumb", "Index", "Middle", "Ring", "Little"].flatMap((finger, f) => {
    const z = [0.035, 0.03, 0.005, -0.02, -0.042][f];
    const start = finger === "Thumb" ? 0.73 : 0.79;
    const parts = finger === "Thumb" ? ["Metacarpal", "Proximal", "Distal"] : ["Proximal", "Intermediate", "Distal"];
    return parts.map((part, k) => [`left${finger}${part}`, k ? `left${finger}${parts[k - 1]}` : "leftHand", [start + 0.03 * k, 1.475, z + (finger === "Thumb" ? 0.012 * k : 0)], 0.01]);
  }),
];

const mirror = (name) => name && name.replace(/^left/, "right");

function allBones() {
  const right = BONES.filter(([name]) => name.startsWith("left")).map(([name, parent, [x, y, z], radius]) => [mirror(name), mirror(parent), [-x, y, z], radius]);
  return [...BONES, ...right].map(([name, parent, at, radius]) => ({ name, parent, at, radius }));
}

// Small vector and quaternion arithmetic; rotations are xyzw.
const add = (a, b) => a.map((x, i) => x + b[i]);
const sub = (a, b) => a.map((x, i) => x - b[i]);
const scale = (a, s) => a.map((x) => x * s);
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];
const unit = (a) => scale(a, 1 / (Math.hypot(...a) || 1));
const turn = (axis, radians) => [...scale(unit(axis), Math.sin(radians / 2)), Math.cos(radians / 2)];
const inverse = ([x, y, z, w]) => [-x, -y, -z, w];
const multiply = ([ax, ay, az, aw], [bx, by, bz, bw]) => [
  aw * bx + ax * bw + ay * bz - az * by,
  aw * by - ax * bz + ay * bw + az * bx,
  aw * bz + ax * by - ay * bx + az * bw,
  aw * bw - ax * bx - ay * by - az * bz,
];
const rotate = (q, v) => multiply(multiply(q, [...v, 0]), inverse(q)).slice(0, 3);
const IDENTITY = [0, 0, 0, 1];

/** Rotation that takes +y to `direction`. */
function along(direction) {
  const d = unit(direction);
  const axis = cross([0, 1, 0], d);
  return Math.hypot(...axis) < 1e-6 ? (d[1] > 0 ? IDENTITY : turn([1, 0, 0], Math.PI)) : turn(axis, Math.acos(Math.max(-1, Math.min(1, d[1]))));
}

/** Lowers the arms by `degrees` from the T-pose. */
function lowerArms(bones, degrees) {
  for (const [side, sign] of [["left", -1], ["right", 1]]) {
    const shoulder = bones.find(({ name }) => name === `${side}UpperArm`).at;
    const q = turn([0, 0, 1], (sign * degrees * Math.PI) / 180);
    const arm = new RegExp(`^${side}(UpperArm|LowerArm|Hand|Thumb|Index|Middle|Ring|Little)`);
    for (const bone of bones) if (arm.test(bone.name)) bone.at = add(shoulder, rotate(q, sub(bone.at, shoulder)));
  }
}

function endOf(bone, bones) {
  if (bone.name === "head") return [0, 1.8, 0];
  if (bone.name.endsWith("Toes")) return add(bone.at, [0, 0, 0.06]);
  const child = { hips: "spine", leftHand: "leftMiddleProximal", rightHand: "rightMiddleProximal", upperChest: "neck" }[bone.name];
  const next = bones.find(({ name, parent }) => (child ? name === child : parent === bone.name));
  return next ? next.at : add(bone.at, scale(sub(bone.at, bones.find(({ name }) => name === bone.parent).at), 0.8));
}

const MIXAMO = {
  hips: "Hips", spine: "Spine", chest: "Spine1", upperChest: "Spine2", neck: "Neck", head: "Head", Eye: "Eye", Shoulder: "Shoulder", UpperArm: "Arm",
  LowerArm: "ForeArm", Hand: "Hand", UpperLeg: "UpLeg", LowerLeg: "Leg", Foot: "Foot", Toes: "ToeBase",
};

function mixamoName(name) {
  const [, side = "", part] = /^(left|right)?(.*)$/.exec(name);
  const prefix = side && side[0].toUpperCase() + side.slice(1);
  const finger = /^(Thumb|Index|Middle|Ring|Little)(.*)$/.exec(part);
  if (!finger) return prefix + (MIXAMO[part] ?? part);
  const joints = finger[1] === "Thumb" ? ["Metacarpal", "Proximal", "Distal"] : ["Proximal", "Intermediate", "Distal"];
  return `${prefix}Hand${finger[1].replace("Little", "Pinky")}${joints.indexOf(finger[2]) + 1}`;
}

const NAMES = { vrm: (name) => name, mixamo: (name) => `mixamorig:${mixamoName(name)}`, rpm: mixamoName, foreign: (name) => `joint_${name.length}_${name.charCodeAt(0)}` };

// The picture: four colours beside each other.
const SKIN = 0, SHIRT = 1, TROUSERS = 2, DARK = 3;
const PALETTE = [[226, 176, 148], [92, 140, 190], [58, 66, 84], [46, 36, 40]];
const colorOf = (name) => (/Leg|hips/.test(name) ? TROUSERS : /Foot|Toes/.test(name) ? DARK : /head|neck|Hand|Thumb|Index|Middle|Ring|Little/.test(name) ? SKIN : SHIRT);

function png(pixels) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.from([0, 0, 0, pixels.length, 0, 0, 0, 1, 8, 2, 0, 0, 0]);
  const rows = Buffer.from([0, ...pixels.flat()]);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let k = 0; k < 8; k++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

/** Vertices of one mesh. */
class Shape {
  position = [];
  normal = [];
  uv = [];
  joint = [];
  part = [];
  index = [];

  /** An ellipsoid, or a capsule where `to` is given. */
  round(from, to, radius, color, joint, part = "", rings = 8, around = 12) {
    const start = this.position.length;
    const q = to ? along(sub(to, from)) : IDENTITY;
    const r = Array.isArray(radius) ? radius : [radius, radius, radius];
    for (let i = 0; i <= rings; i++) {
      for (let k = 0; k <= around; k++) {
        const [u, v] = [(Math.PI * i) / rings, (2 * Math.PI * k) / around];
        const normal = [Math.sin(u) * Math.cos(v), -Math.cos(u), Math.sin(u) * Math.sin(v)];
        const middle = to && i > rings / 2 ? to : from;
        this.position.push(add(middle, rotate(q, normal.map((x, axis) => x * r[axis]))));
        this.normal.push(rotate(q, unit(normal.map((x, axis) => x / r[axis]))));
        this.uv.push([(color + 0.5) / PALETTE.length, 0.5]);
        this.joint.push(joint);
        this.part.push(part);
      }
    }
    const row = around + 1;
    for (let i = 0; i < rings; i++) {
      for (let k = 0; k < around; k++) {
        const a = start + i * row + k;
        this.index.push(a, a + row, a + 1, a + 1, a + row, a + row + 1);
      }
    }
  }
}

const MOUTH = [0, 1.66, 0.1];
const EYES = { eyeLeft: [0.034, 1.7, 0.09], eyeRight: [-0.034, 1.7, 0.09] };

function faceShape(head) {
  const face = new Shape();
  face.round(MOUTH, null, [0.024, 0.005, 0.006], DARK, head, "mouth", 6, 14);
  for (const [part, at] of Object.entries(EYES)) face.round(at, null, [0.013, 0.013, 0.008], DARK, head, part, 6, 10);
  for (const [part, side] of [["browLeft", 1], ["browRight", -1]]) face.round([side * 0.034, 1.725, 0.092], null, [0.018, 0.003, 0.006], DARK, head, part, 5, 8);
  return face;
}

/** How far a vertex moves under a morph: ARKit's names and VRM's presets, roughly. */
function displacement(name, part, [x, y, z]) {
  const key = name.toLowerCase();
  const mouth = part === "mouth";
  const side = key.endsWith("left") ? "Left" : key.endsWith("right") ? "Right" : "";
  const mine = !side || part.endsWith(side);
  const [mx, my] = [x - MOUTH[0], y - MOUTH[1]];
  if (mouth && /^(jawopen|aa|oh)$/.test(key)) return [0, (my < 0 ? 7 : 1.5) * my * (key === "oh" ? 0.6 : 1), 0];
  if (mouth && /^(mouthpucker|mouthfunnel|ou|oh)$/.test(key)) return [-0.55 * mx, 1.2 * my, 0.006];
  if (mouth && /^(mouthstretch|ee|ih)/.test(key)) return [0.45 * mx, 0.5 * my, 0];
  if (mouth && /^(mouthsmile|happy|relaxed)/.test(key) && (!side || (side === "Left") === mx > 0)) return [0.2 * mx, 14 * mx * mx, 0];
  if (mouth && /^(mouthfrown|sad)/.test(key) && (!side || (side === "Left") === mx > 0)) return [0, -14 * mx * mx, 0];
  if (part.startsWith("eye") && mine && /blink/.test(key)) return [0, -0.95 * (y - EYES[part][1]), 0];
  if (part.startsWith("eye") && mine && /^(eyewide|surprised)/.test(key)) return [0, 0.4 * (y - EYES[part][1]), 0];
  if (part.startsWith("brow") && mine && /^(browdown|angry)/.test(key)) return [0, -0.4 * (0.05 - Math.abs(x)), 0];
  if (part.startsWith("brow") && mine && /^(browouterup|browinnerup|surprised|sad)/.test(key)) return [0, 0.012, 0];
  return [0, 0, 0];
}

const PRESETS = ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight", "happy", "angry", "sad", "relaxed", "surprised"];
const PRESETS_0 = { aa: "a", ih: "i", ou: "u", ee: "e", oh: "o", blink: "blink", blinkLeft: "blink_l", blinkRight: "blink_r", happy: "joy", angry: "angry", sad: "sorrow", relaxed: "fun" };

/** Collects accessors and their bytes. */
class Binary {
  bytes = Buffer.alloc(0);
  views = [];
  accessors = [];

  view(data) {
    this.views.push({ buffer: 0, byteOffset: this.bytes.length, byteLength: data.length });
    this.bytes = Buffer.concat([this.bytes, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    return this.views.length - 1;
  }

  accessor(rows, type, componentType = 5126) {
    const Kind = { 5126: Float32Array, 5123: Uint16Array }[componentType];
    const values = Kind.from(rows.flat());
    const bounds = type === "VEC3" ? { min: [0, 1, 2].map((i) => Math.min(...rows.map((row) => Math.fround(row[i])))), max: [0, 1, 2].map((i) => Math.max(...rows.map((row) => Math.fround(row[i])))) } : {};
    this.accessors.push({ bufferView: this.view(Buffer.from(values.buffer)), componentType, count: rows.length, type, ...bounds });
    return this.accessors.length - 1;
  }
}

function meshOf(shape, out, morphs) {
  const primitive = {
    attributes: {
      POSITION: out.accessor(shape.position, "VEC3"),
      NORMAL: out.accessor(shape.normal, "VEC3"),
      TEXCOORD_0: out.accessor(shape.uv, "VEC2"),
      JOINTS_0: out.accessor(shape.joint.map((joint) => [joint, 0, 0, 0]), "VEC4", 5123),
      WEIGHTS_0: out.accessor(shape.joint.map(() => [1, 0, 0, 0]), "VEC4"),
    },
    indices: out.accessor(shape.index, "SCALAR", 5123),
    material: 0,
  };
  if (morphs.length) primitive.targets = morphs.map((name) => ({ POSITION: out.accessor(shape.position.map((at, v) => displacement(name, shape.part[v], at)), "VEC3") }));
  return { primitives: [primitive], ...(morphs.length ? { extras: { targetNames: morphs } } : {}) };
}

/**
 * The file's bytes.
 *   format "vrm1", "vrm0" or "glb"; names (of a glb's bones) "vrm", "mixamo", "rpm" or "foreign";
 *   morphs "arkit" (give their names), "presets" or "none"; armsDown: degrees below the T-pose;
 *   texture: false for readers without a browser's image decoder; turnedBones: bones' own axes along the bone, as modelling programs leave them; armature: scale of a node above the hips,
 *   which also lies on its back, as in files that come from FBX.
 */
export function humanoidFile({ format = "vrm1", names = "vrm", morphs = "presets", arkitNames = [], armsDown = 0, texture = true, turnedBones = format !== "vrm0", armature = 1 } = {}) {
  const bones = allBones();
  if (armsDown) lowerArms(bones, armsDown);
  const ends = bones.map((bone) => endOf(bone, bones));
  const body = new Shape();
  bones.forEach(({ name, at, radius }, j) => {
    if (name === "head") body.round([0, 1.7, 0], null, [0.085, 0.115, 0.1], SKIN, j, "", 12, 18);
    else if (radius) body.round(at, ends[j], radius, colorOf(name), j);
  });
  body.round([0, 1.735, -0.018], null, [0.092, 0.105, 0.098], DARK, bones.findIndex(({ name }) => name === "head"), "", 10, 16);
  const face = faceShape(bones.findIndex(({ name }) => name === "head"));
  const morphNames = { arkit: arkitNames, presets: PRESETS, none: [] }[morphs];
  const back = format === "vrm0" ? (v) => [-v[0], v[1], -v[2]] : (v) => v; // VRM 0 looks to -z
  const out = new Binary();
  const world = bones.map((bone, j) => ({ at: back(bone.at), turn: turnedBones ? multiply(along(back(sub(ends[j], bone.at))), turn([0, 1, 0], 0.3 * j)) : IDENTITY }));
  for (const shape of [body, face]) [shape.position, shape.normal] = [shape.position.map(back), shape.normal.map(back)];
  const meshes = [meshOf(body, out, []), meshOf(face, out, morphs === "none" ? [] : morphNames)];
  if (format === "vrm0") turnMorphs(meshes[1], face, morphNames, out, back);

  // Nodes: the bones, an armature above them, the two meshes.
  const above = { at: [0, 0, 0], turn: armature === 1 ? IDENTITY : turn([1, 0, 0], -Math.PI / 2) };
  const nodes = bones.map(({ name, parent }, j) => {
    const p = parent ? world[bones.findIndex((other) => other.name === parent)] : above;
    const at = scale(rotate(inverse(p.turn), sub(world[j].at, p.at)), 1 / armature);
    const children = bones.flatMap((other, k) => (other.parent === name ? [k] : []));
    return { name: NAMES[format === "glb" ? names : "vrm"](name), translation: at, rotation: multiply(inverse(p.turn), world[j].turn), ...(children.length ? { children } : {}) };
  });
  const armatureNode = nodes.push({ name: "Armature", rotation: above.turn, scale: [armature, armature, armature], children: [0] }) - 1;
  const bodyNode = nodes.push({ name: "Body", mesh: 0, skin: 0 }) - 1;
  const faceNode = nodes.push({ name: "Face", mesh: 1, skin: 0 }) - 1;
  const binds = world.map(({ at, turn: q }) => bindMatrix(at, q, armature));
  const json = {
    asset: { version: "2.0", generator: "gesturestream tests" },
    scene: 0,
    scenes: [{ nodes: [armatureNode, bodyNode, faceNode] }],
    nodes,
    meshes,
    skins: [{ joints: bones.map((_, j) => j), inverseBindMatrices: out.accessor(binds, "MAT4"), skeleton: 0 }],
    materials: [{ name: "colours", pbrMetallicRoughness: { ...(texture ? { baseColorTexture: { index: 0 } } : {}), metallicFactor: 0, roughnessFactor: 0.75 } }],
    ...(texture ? { textures: [{ source: 0, sampler: 0 }], samplers: [{ magFilter: 9728, minFilter: 9728 }], images: [{ mimeType: "image/png", bufferView: out.view(png(PALETTE)) }] } : {}),
    ...extensionsOf(format, bones, faceNode, morphs, morphNames),
  };
  return glb({ ...json, buffers: [{ byteLength: out.bytes.length }], bufferViews: out.views, accessors: out.accessors }, out.bytes);
}

/** Morphs were made for a face that looks to +z. */
function turnMorphs(mesh, face, names, out, back) {
  if (!mesh.primitives[0].targets) return;
  mesh.primitives[0].targets = names.map((name) => ({ POSITION: out.accessor(face.position.map((at, v) => back(displacement(name, face.part[v], back(at)))), "VEC3") }));
}

/** Column-major inverse of a bone's world matrix, whose scale is the armature's. */
function bindMatrix(at, q, size) {
  const inv = inverse(q);
  const [x, y, z] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((axis) => scale(rotate(inv, axis), 1 / size));
  return [...x, 0, ...y, 0, ...z, 0, ...scale(rotate(inv, at), -1 / size), 1];
}

function extensionsOf(format, bones, faceNode, morphs, names) {
  if (format === "vrm1") return { extensionsUsed: ["VRMC_vrm"], extensions: { VRMC_vrm: vrm1(bones, faceNode, morphs, names) } };
  if (format === "vrm0") return { extensionsUsed: ["VRM"], extensions: { VRM: vrm0(bones, morphs, names) } };
  return {};
}

function vrm1(bones, node, morphs, names) {
  const clips = Object.fromEntries(names.map((name, index) => [name, { morphTargetBinds: [{ node, index, weight: 1 }] }]));
  return {
    specVersion: "1.0",
    meta: { name: "Capsule person", version: "1", authors: ["gesturestream tests"], licenseUrl: "https://vrm.dev/licenses/1.0/" },
    humanoid: { humanBones: Object.fromEntries(bones.map(({ name }, j) => [name, { node: j }])) },
    ...(morphs === "none" ? {} : { expressions: morphs === "arkit" ? { custom: clips } : { preset: clips } }),
    lookAt: { type: "bone", offsetFromHeadBone: [0, 0.08, 0], ...each(["rangeMapHorizontalInner", "rangeMapHorizontalOuter", "rangeMapVerticalDown", "rangeMapVerticalUp"], { inputMaxValue: 90, outputScale: 10 }) },
  };
}

const each = (names, value) => Object.fromEntries(names.map((name) => [name, value]));

function vrm0(bones, morphs, names) {
  const old = (name) => name.replace("ThumbProximal", "ThumbIntermediate").replace("ThumbMetacarpal", "ThumbProximal");
  const groups = names.flatMap((name, index) => {
    const presetName = morphs === "arkit" ? "unknown" : PRESETS_0[name];
    return presetName ? [{ name, presetName, binds: [{ mesh: 1, index, weight: 100 }], materialValues: [] }] : [];
  });
  return {
    exporterVersion: "gesturestream tests",
    specVersion: "0.0",
    meta: { title: "Capsule person 0", author: "gesturestream tests", version: "1" },
    humanoid: { humanBones: bones.map(({ name }, node) => ({ bone: old(name), node, useDefaultValues: true })) },
    blendShapeMaster: { blendShapeGroups: morphs === "none" ? [] : groups },
    firstPerson: { lookAtTypeName: "Bone", ...each(["lookAtHorizontalInner", "lookAtHorizontalOuter", "lookAtVerticalDown", "lookAtVerticalUp"], { curve: [0, 0, 0, 1, 1, 1, 1, 0], xRange: 90, yRange: 10 }) },
    secondaryAnimation: { boneGroups: [], colliderGroups: [] },
    materialProperties: [],
  };
}

function glb(json, binary) {
  const text = Buffer.from(JSON.stringify(json));
  const padded = Buffer.concat([text, Buffer.alloc((4 - (text.length % 4)) % 4, " ")]);
  const head = (length, kind) => {
    const out = Buffer.alloc(8);
    out.writeUInt32LE(length, 0);
    out.write(kind, 4, "latin1");
    return out;
  };
  const total = Buffer.alloc(12);
  total.write("glTF", 0, "latin1");
  total.writeUInt32LE(2, 4);
  total.writeUInt32LE(12 + 8 + padded.length + 8 + binary.length, 8);
  return Buffer.concat([total, head(padded.length, "JSON"), padded, head(binary.length, "BIN\0"), binary]);
}
