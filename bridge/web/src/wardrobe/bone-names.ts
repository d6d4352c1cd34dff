import { JOINT_NAMES } from "@gesturestream/client";
import type { VRMHumanBoneName } from "@pixiv/three-vrm";

/** Bones by the names that VRM 1.0 gives them: the common language of everything in this folder. */
export type HumanBone = VRMHumanBoneName;

const FINGERS = { Thumb: "thumb", Index: "index", Middle: "middle", Ring: "ring", Little: "pinky" } as const;
const SIDES = ["left", "right"] as const;

/** The three joints of a finger. */
const partsOf = (finger: string): readonly string[] => (finger === "Thumb" ? ["Metacarpal", "Proximal", "Distal"] : ["Proximal", "Intermediate", "Distal"]);

function fingerBones(side: string, jointName: (finger: string, k: number) => string): [HumanBone, string][] {
  return Object.entries(FINGERS).flatMap(([finger, smplx]) => partsOf(finger).map((part, k) => [`${side}${finger}${part}` as HumanBone, jointName(smplx, k)] as [HumanBone, string]));
}

const LIMBS = { Shoulder: "collar", UpperArm: "shoulder", LowerArm: "elbow", Hand: "wrist", UpperLeg: "hip", LowerLeg: "knee", Foot: "ankle", Toes: "foot" } as const;

/** The SMPL-X joint that moves each bone. The spine depends on how many bones there are (`spineJoints`). */
const LIMB_JOINTS: ReadonlyMap<HumanBone, string> = new Map([
  ["hips", "pelvis"],
  ["neck", "neck"],
  ["head", "head"],
  ...SIDES.flatMap((side) => [
    ...Object.entries(LIMBS).map(([bone, joint]) => [`${side}${bone}` as HumanBone, `${side}_${joint}`] as [HumanBone, string]),
    ...fingerBones(side, (finger, k) => `${side}_${finger}${k + 1}`),
  ]),
] as [HumanBone, string][]);

const SPINE = ["spine", "chest", "upperChest"] as const;
const SPINE_JOINTS = [["spine3"], ["spine1", "spine3"], ["spine1", "spine2", "spine3"]] as const;

/** Bone -> SMPL-X joint for a body with these bones; fewer spine bones take the turns of more joints each. */
export function jointsOf(bones: Iterable<HumanBone>): Map<HumanBone, string> {
  const present = new Set(bones);
  const spine = SPINE.filter((bone) => present.has(bone));
  const out = new Map<HumanBone, string>(spine.map((bone, i) => [bone, SPINE_JOINTS[spine.length - 1]![i]!]));
  for (const [bone, joint] of LIMB_JOINTS) if (present.has(bone)) out.set(bone, joint);
  return out;
}

export interface Preset {
  /** For people. */
  label: string;
  /** Plain name (`plain`) -> bone. */
  bones: ReadonlyMap<string, HumanBone>;
}

/** Letters and digits only, small: "mixamorig:LeftArm", "mixamorig_LeftArm" and "LeftArm" are one. */
export const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "").replace(/^mixamorig\d*/, "");

const MIXAMO_LIMBS = { Shoulder: "Shoulder", UpperArm: "Arm", LowerArm: "ForeArm", Hand: "Hand", UpperLeg: "UpLeg", LowerLeg: "Leg", Foot: "Foot", Toes: "ToeBase" } as const;

/** Ready Player Me uses Mixamo's names without their prefix. */
const MIXAMO: Preset = {
  label: "Mixamo or Ready Player Me bones",
  bones: preset([
    ["hips", "Hips"], ["spine", "Spine"], ["chest", "Spine1"], ["upperChest", "Spine2"], ["neck", "Neck"], ["head", "Head"],
    ...SIDES.flatMap((side) => [
      ...Object.entries(MIXAMO_LIMBS).map(([bone, name]) => [`${side}${bone}`, side + name] as [string, string]),
      ...fingerBones(side, (finger, k) => `${side}Hand${finger}${k + 1}`),
    ]),
  ]),
};

const VRM_NAMES: Preset = { label: "VRM bones", bones: preset(["hips", "spine", "chest", "upperChest", ...LIMB_JOINTS.keys()].map((bone) => [bone, bone])) };

/** What this project's own exports are called. */
const SMPLX: Preset = { label: "SMPL-X bones", bones: preset([...LIMB_JOINTS, ["spine", "spine1"], ["chest", "spine2"], ["upperChest", "spine3"]]) };

export const PRESETS: readonly Preset[] = [VRM_NAMES, MIXAMO, SMPLX];

function preset(pairs: readonly (readonly [string, string])[]): Map<string, HumanBone> {
  return new Map(pairs.map(([bone, name]) => [plain(name), bone as HumanBone]));
}

/** Without these a file is no humanoid. */
export const REQUIRED: readonly HumanBone[] = ["hips", "head", ...SIDES.flatMap((side) => (["UpperArm", "LowerArm", "UpperLeg", "LowerLeg"] as const).map((bone) => `${side}${bone}` as HumanBone))];

/** The bone that stands for a joint on a body that has `bones`: its own, or the nearest one above it. */
export function boneFor(joint: string, joints: ReadonlyMap<HumanBone, string>, parents: readonly number[]): HumanBone {
  const byJoint = new Map([...joints].map(([bone, name]) => [name, bone]));
  for (let j = (JOINT_NAMES as readonly string[]).indexOf(joint); j >= 0; j = parents[j]!) {
    const bone = byJoint.get(JOINT_NAMES[j]!);
    if (bone) return bone;
  }
  return "hips";
}
