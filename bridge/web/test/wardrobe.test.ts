import { BLENDSHAPE_NAMES, decodeHeader, type Pose, PoseDecoder, restPose } from "@gesturestream/client";
import { Box3, Mesh, Object3D, Vector3 } from "three";
import { beforeAll, describe, expect, it } from "vitest";
import { binary, readyOf } from "../packages/client/test/kit";
import type { FileBody } from "../src/body";
import { jointPosition } from "../src/playback/kinematics";
import { foldFace, noFold } from "../src/wardrobe/face-fold";
import { loadBody } from "../src/wardrobe/load";
import { humanoidFile, type HumanoidFileOptions } from "./humanoid-file.mjs";

const { skeleton, layout, frame_bytes } = readyOf("f32_body");
const HIP_M = 1.04; // of the files made here

function golden(name: string): Pose {
  const view = binary(`messages/${name}.bin`);
  return new PoseDecoder(layout, frame_bytes).decode(view, decodeHeader(view));
}

const load = (options: HumanoidFileOptions, name = "somebody.vrm"): Promise<FileBody> => loadBody(arrayBuffer(humanoidFile({ texture: false, ...options })), name, skeleton);
const arrayBuffer = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

function posed(body: FileBody, pose: Pose): (joint: string) => Vector3 {
  body.apply(pose, 1 / 60);
  body.group.updateMatrixWorld(true);
  return (joint) => new Vector3(...body.jointPosition(joint));
}

const face = (weights: Record<string, number>): Pose => ({ ...restPose(55, 0.95), blendshapes: Float32Array.from(BLENDSHAPE_NAMES, (name) => weights[name] ?? 0) });
const find = (body: FileBody, name: string): Object3D => body.group.getObjectByName(name)!;

function influence(body: FileBody, name: string): number {
  const mesh = find(body, "Face") as Mesh;
  return mesh.morphTargetInfluences![mesh.morphTargetDictionary![name]!]!;
}

const KINDS: [string, HumanoidFileOptions, number][] = [
  // Limbs of a .vrm keep the file's own T-pose, which is a few degrees from the server's; those of a glTF are turned into it.
  ["VRM 1", { format: "vrm1" }, 6],
  ["VRM 1 with unturned bones", { format: "vrm1", turnedBones: false }, 6],
  ["VRM 0", { format: "vrm0" }, 6],
  ["glTF, VRM names", { format: "glb", names: "vrm" }, 0.1],
  ["glTF, Ready Player Me names, A-pose", { format: "glb", names: "rpm", armsDown: 45 }, 0.1],
  ["glTF, Mixamo names, A-pose, armature from FBX", { format: "glb", names: "mixamo", morphs: "none", armsDown: 35, armature: 0.01 }, 0.1],
];

describe.each(KINDS)("%s", (_, options, tolerance_deg) => {
  let body: FileBody;
  beforeAll(async () => {
    body = await load(options);
  });

  it("stands on the floor, looks to +z, and has its left on +x", () => {
    const at = posed(body, restPose(55, skeleton.rest_m[1]!));
    expect(new Box3().setFromObject(body.group, true).min.y).toBeCloseTo(0, 1);
    expect(at("pelvis").y).toBeCloseTo(HIP_M, 2);
    expect(at("left_wrist").x).toBeGreaterThan(0.5);
    expect(at("left_foot").z).toBeGreaterThan(at("left_ankle").z + 0.05);
  });

  it("raises the left arm when the left arm is raised, and no other", () => {
    const at = posed(body, golden("left_arm_raised_f32_body"));
    expect(at("left_wrist").y).toBeGreaterThan(at("head").y + 0.2);
    expect(at("left_wrist").x).toBeGreaterThan(0.1);
    expect(at("left_middle3").y).toBeGreaterThan(at("left_wrist").y + 0.05);
    expect(at("right_wrist").x).toBeLessThan(-0.6);
    expect(at("right_wrist").y).toBeLessThan(at("head").y);
  });

  it("points every limb where independent kinematics point it", () => {
    const pose = golden("turned_and_bent_f32_body");
    const at = posed(body, pose);
    const wire = (joint: string): Vector3 => jointPosition(skeleton, pose, skeleton.names.indexOf(joint));
    for (const side of ["left", "right"]) {
      for (const [from, to] of [["shoulder", "elbow"], ["elbow", "wrist"], ["hip", "knee"], ["knee", "ankle"]]) {
        const [own, wanted] = [at, wire].map((of) => of(`${side}_${to}`).sub(of(`${side}_${from}`))) as [Vector3, Vector3];
        expect((own.angleTo(wanted) * 180) / Math.PI, `${side} ${from}`).toBeLessThan(tolerance_deg);
      }
    }
    const size = HIP_M / skeleton.rest_m[1]!;
    at("pelvis").toArray().forEach((value, i) => expect(value).toBeCloseTo(size * pose.root_m[i]!, 2));
  });
});

describe("faces", () => {
  it.each(["vrm1", "vrm0", "glb"] as const)("%s with ARKit's shapes gets them one to one", async (format) => {
    const body = await load({ format, morphs: "arkit", arkitNames: BLENDSHAPE_NAMES });
    body.apply(face({ jawOpen: 0.6, eyeBlinkLeft: 1 }), 0.1);
    expect(influence(body, "jawOpen")).toBeCloseTo(0.6, 5);
    expect([influence(body, "eyeBlinkLeft"), influence(body, "eyeBlinkRight")]).toEqual([1, 0]);
    expect(body.about).toContain("52 ARKit shapes");
  });

  it.each(["vrm1", "vrm0", "glb"] as const)("%s without them gets vowels, blinks and emotions; its jaw bone is left alone", async (format) => {
    const body = await load({ format, morphs: "presets" });
    const jaw = find(body, "jaw").quaternion.clone();
    body.apply(face({ jawOpen: 0.5, eyeBlinkRight: 1, mouthSmileLeft: 0.5, mouthSmileRight: 0.5 }), 0.1);
    expect(influence(body, "aa")).toBeGreaterThan(0.3);
    expect(influence(body, "happy")).toBeGreaterThan(0.3);
    expect([influence(body, "blinkRight"), influence(body, "blinkLeft"), influence(body, "blink")]).toEqual([1, 0, 0]);
    expect(find(body, "jaw").quaternion.angleTo(jaw)).toBeLessThan(1e-6);
  });

  it.each(["vrm1", "vrm0"] as const)("%s looks where the eyes of the 52 look: to its own left", async (format) => {
    const body = await load({ format, turnedBones: false });
    const front = (): Vector3 => new Vector3(0, 0, format === "vrm0" ? -1 : 1).transformDirection(find(body, "leftEye").matrixWorld);
    posed(body, face({}));
    expect(front().x).toBeCloseTo(0, 5);
    posed(body, face({ eyeLookOutLeft: 1, eyeLookInRight: 1, eyeLookUpLeft: 1, eyeLookUpRight: 1 }));
    expect(front().x).toBeGreaterThan(0.02);
    expect(front().y).toBeGreaterThan(0.02);
  });

  it("folding tells lip shapes apart and never asks for more than one whole mouth", () => {
    const folded = (weights: Record<string, number>) => {
      const out = noFold();
      foldFace(BLENDSHAPE_NAMES.map((name) => weights[name] ?? 0), out);
      return out;
    };
    const strongest = (weights: Record<string, number>) => Object.entries(folded(weights)).sort(([, a], [, b]) => b - a)[0]![0];
    expect(strongest({ jawOpen: 0.6 })).toBe("aa");
    expect(strongest({ mouthPucker: 0.9, jawOpen: 0.05 })).toBe("ou");
    expect(strongest({ mouthFunnel: 0.9, mouthPucker: 0.3, jawOpen: 0.5 })).toBe("oh");
    expect(strongest({ mouthStretchLeft: 0.9, mouthStretchRight: 0.9, jawOpen: 0.5 })).toBe("ee");
    expect(strongest({ mouthStretchLeft: 0.8, mouthStretchRight: 0.8 })).toBe("ih");
    const all = folded(Object.fromEntries(BLENDSHAPE_NAMES.map((name) => [name, 1])));
    expect(all.aa + all.ih + all.ou + all.ee + all.oh).toBeLessThanOrEqual(1 + 1e-9);
    expect(Object.values(folded({})).every((value) => value === 0)).toBe(true);
  });
});

describe("what cannot be worn", () => {
  it.each<[string, () => Buffer, RegExp]>([
    ["no glTF at all", () => Buffer.from("this is a poem"), /cannot be read as a .vrm or .glb avatar/],
    ["cut off", () => humanoidFile({ texture: false }).subarray(0, 3000), /cannot be read/],
    ["empty", () => Buffer.alloc(0), /cannot be read/],
    ["bones of unknown names", () => humanoidFile({ texture: false, format: "glb", names: "foreign" }), /no humanoid.*Mixamo.*\.vrm/],
    ["in pieces", () => Buffer.from(JSON.stringify({ asset: { version: "2.0" }, scenes: [{ nodes: [0] }], scene: 0, nodes: [{ mesh: 0 }], meshes: [{ primitives: [{ attributes: { POSITION: 0 } }] }], buffers: [{ uri: "body.bin", byteLength: 12 }], bufferViews: [{ buffer: 0, byteLength: 12 }], accessors: [{ bufferView: 0, componentType: 5126, count: 1, type: "VEC3" }] })), /other files/],
  ])("%s is refused in words", async (_, bytes, words) => {
    await expect(loadBody(arrayBuffer(bytes()), "thing.vrm", skeleton)).rejects.toThrow(words);
  });

  it("another size of unit is noticed", async () => {
    const body = await load({ format: "glb", names: "rpm", armature: 1 });
    expect(new Box3().setFromObject(body.group, true).max.y).toBeLessThan(2.2);
  });
});
