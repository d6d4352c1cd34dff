import type { Pose, SkeletonInfo } from "@gesturestream/client";
import { type VRM, VRMUtils } from "@pixiv/three-vrm";
import { Box3, Group, Mesh, type Object3D, Vector3 } from "three";
import type { FileBody } from "../body";
import { boneFor, type HumanBone, jointsOf, plain, PRESETS, REQUIRED } from "./bone-names";
import { faceDriver, type FaceDriver } from "./face-driver";
import { gaze } from "./face-fold";
import { Retarget } from "./retarget";

const TALLEST_M = 4; // a model outside of these was made in other units
const SHORTEST_M = 0.3;
const USUAL_M = 1.7;
const LONGEST_STEP_S = 0.05; // hair and clothes swing wildly over a long pause

/** What both kinds of file have in common. */
abstract class Humanoid implements FileBody {
  readonly group = new Group();
  abstract readonly title: string;
  abstract readonly author: string;
  abstract readonly about: string;
  protected readonly retarget: Retarget;
  private readonly places = new Map<string, Object3D>();

  /** `moved`: the bones that are posed, `shown`: those that are drawn. */
  protected constructor(protected readonly scene: Object3D, moved: ReadonlyMap<HumanBone, Object3D>, private readonly shown: ReadonlyMap<HumanBone, Object3D>, private skeleton: SkeletonInfo, alignLimbs: boolean) {
    scene.updateMatrixWorld(true);
    const box = new Box3().setFromObject(scene, true);
    const height_m = box.max.y - box.min.y;
    const backwards = looksBack(moved);
    this.retarget = new Retarget(moved, scene, skeleton, { alignLimbs, backwards, floor_m: box.min.y });
    if (height_m > TALLEST_M || height_m < SHORTEST_M) this.group.scale.setScalar(USUAL_M / height_m);
    scene.position.y = -box.min.y;
    if (backwards) scene.rotation.y = Math.PI;
    this.group.add(scene);
    scene.traverse((node) => {
      if (!(node instanceof Mesh)) return;
      node.frustumCulled = false; // its bounds are those of the rest pose
      node.castShadow = node.receiveShadow = true;
    });
  }

  abstract apply(pose: Pose, dt_s: number): void;

  fit(skeleton: SkeletonInfo): void {
    this.skeleton = skeleton;
    this.retarget.fit(skeleton);
  }

  jointPosition(name: string): [number, number, number] {
    let node = this.places.get(name);
    if (!node) {
      node = this.shown.get(boneFor(name, jointsOf(this.shown.keys()), this.skeleton.parents))!;
      this.places.set(name, node);
    }
    return node.getWorldPosition(new Vector3()).toArray();
  }

  dispose(): void {
    VRMUtils.deepDispose(this.scene);
  }
}

/** The left arm is on the right: the model looks to -z, as VRM 0 does. */
function looksBack(nodes: ReadonlyMap<HumanBone, Object3D>): boolean {
  const [left, right] = (["leftUpperArm", "rightUpperArm"] as const).map((bone) => nodes.get(bone)!.getWorldPosition(new Vector3()).x) as [number, number];
  return left < right;
}

/** VRM 0 and 1: the loader's normalised bones rest in T-pose with axes parallel to the world's, as SMPL-X does. */
export class VrmBody extends Humanoid {
  readonly title: string;
  readonly author: string;
  readonly about: string;
  private readonly face: FaceDriver;

  constructor(private readonly vrm: VRM, skeleton: SkeletonInfo, name: string) {
    const { humanoid, meta, expressionManager } = vrm;
    const bones = (Object.keys(humanoid.humanBones) as HumanBone[]).filter((bone) => humanoid.getRawBoneNode(bone));
    const nodes = (of: (bone: HumanBone) => Object3D | null): Map<HumanBone, Object3D> => new Map(bones.map((bone) => [bone, of(bone)!]));
    super(vrm.scene, nodes((bone) => humanoid.getNormalizedBoneNode(bone)), nodes((bone) => humanoid.getRawBoneNode(bone)), skeleton, false);
    const old = meta.metaVersion === "0";
    this.title = (old ? meta.title : meta.name) || name;
    this.author = (old ? meta.author : meta.authors.join(", ")) || "";
    const expressions = Object.keys(expressionManager?.expressionMap ?? {});
    const meshes = morphsOf(vrm.scene);
    const ownShapes = faceDriver(expressions, (shape, weight) => expressionManager!.setValue(shape, weight));
    this.face = expressions.length ? ownShapes : faceDriver(meshes.names, meshes.set);
    this.about = `VRM ${old ? 0 : 1}, ${this.face.label}`;
  }

  apply(pose: Pose, dt_s: number): void {
    this.retarget.apply(pose);
    if (pose.blendshapes.length) this.look(pose.blendshapes);
    this.vrm.update(Math.min(dt_s, LONGEST_STEP_S));
  }

  private look(weights: Float32Array): void {
    this.face.update(weights);
    const { lookAt } = this.vrm;
    if (!lookAt) return;
    const { left_deg, up_deg } = gaze(weights);
    lookAt.yaw = left_deg;
    lookAt.pitch = -up_deg;
  }
}

/** Any other glTF whose bones have known names, resting in T- or A-pose. */
export class GltfBody extends Humanoid {
  readonly author = "";
  readonly about: string;
  private readonly face: FaceDriver;

  constructor(scene: Object3D, skeleton: SkeletonInfo, readonly title: string) {
    const { bones, label } = knownBones(scene);
    super(scene, bones, bones, skeleton, true);
    const meshes = morphsOf(scene);
    this.face = faceDriver(meshes.names, meshes.set);
    this.about = `glTF, ${label}, ${this.face.label}`;
  }

  apply(pose: Pose): void {
    this.retarget.apply(pose);
    if (pose.blendshapes.length) this.face.update(pose.blendshapes);
  }
}

/** By the naming that fits most bones. Throws, in words for people, when none does. */
function knownBones(scene: Object3D): { bones: Map<HumanBone, Object3D>; label: string } {
  const found = PRESETS.map((preset) => {
    const bones = new Map<HumanBone, Object3D>();
    scene.traverse((node) => {
      const bone = preset.bones.get(plain(node.userData["name"] ?? node.name)) ?? preset.bones.get(plain(node.name));
      if (bone && !(node instanceof Mesh) && !bones.has(bone)) bones.set(bone, node);
    });
    return { bones, label: preset.label };
  });
  const best = found.reduce((a, b) => (b.bones.size > a.bones.size ? b : a));
  const missing = REQUIRED.filter((bone) => !best.bones.has(bone));
  if (missing.length) throw new NotHumanoid(missing, best.bones.size);
  return best;
}

export class NotHumanoid extends Error {
  constructor(missing: readonly HumanBone[], known: number) {
    const lack = known ? `it lacks ${missing.slice(0, 4).join(", ")}${missing.length > 4 ? " and others" : ""}` : "none of its bones has a known name";
    super(`is no humanoid that can be worn: ${lack}. Bones named as in VRM, Mixamo, Ready Player Me or SMPL-X work; so does any .vrm file.`);
  }
}

/** All morph targets of a scene by name. */
function morphsOf(scene: Object3D): { names: string[]; set: (name: string, weight: number) => void } {
  const places = new Map<string, [Mesh, number][]>();
  scene.traverse((node) => {
    if (!(node instanceof Mesh) || !node.morphTargetDictionary) return;
    for (const [name, i] of Object.entries(node.morphTargetDictionary)) places.set(name, [...(places.get(name) ?? []), [node, i]]);
  });
  return { names: [...places.keys()], set: (name, weight) => places.get(name)?.forEach(([mesh, i]) => (mesh.morphTargetInfluences![i] = weight)) };
}
