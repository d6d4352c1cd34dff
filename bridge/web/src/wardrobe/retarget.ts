import type { Pose, SkeletonInfo } from "@gesturestream/client";
import { Matrix4, type Object3D, Quaternion, Vector3 } from "three";
import { type HumanBone, jointsOf } from "./bone-names";

/** A bone that is moved. All rotations are in the model's own space. */
interface Target {
  bone: HumanBone;
  node: Object3D;
  joint: number;
  /** At rest: place and turn. */
  at_m: Vector3;
  rest: Quaternion;
  /** From the file's rest pose to the T-pose. */
  align: Quaternion;
  /** Nearest target above, and the fixed turns between it and this bone. */
  above: Target | null;
  between: Quaternion;
  world: Quaternion;
}

export interface RetargetOptions {
  /** The rest pose may be another than the T-pose: turn the limbs into it first. */
  alignLimbs: boolean;
  /** The model looks to -z. */
  backwards: boolean;
  /** Height of the floor in the model's space. */
  floor_m: number;
}

const HALF_TURN = new Quaternion(0, 1, 0, 0);
/** Each of these points to the next one; what hangs on it is turned into the T-pose along with it. */
const LIMBS = ["left", "right"].flatMap((side) => [
  [`${side}UpperArm`, `${side}LowerArm`],
  [`${side}LowerArm`, `${side}Hand`],
  [`${side}UpperLeg`, `${side}LowerLeg`],
  [`${side}LowerLeg`, `${side}Foot`],
]) as [HumanBone, HumanBone][];
const HAND = /(Hand|Thumb|Index|Middle|Ring|Little)/;

/**
 * Moves the bones of any humanoid by SMPL-X poses. The joint axes of the source are parallel to the world's in its rest
 * pose, so a bone's world rotation is its joint's, after the turn from the file's rest pose to the T-pose.
 */
export class Retarget {
  private readonly targets: Target[];
  private readonly hips: Target;
  private readonly hipsParent = new Matrix4();
  private readonly turn: Quaternion;
  private readonly joints: Quaternion[];
  private scale = 1;

  /** `nodes` in their rest pose, with the matrices of their world up to date and `space` at their root. */
  constructor(nodes: ReadonlyMap<HumanBone, Object3D>, private readonly space: Object3D, private skeleton: SkeletonInfo, private readonly options: RetargetOptions) {
    this.turn = options.backwards ? HALF_TURN.clone() : new Quaternion();
    this.joints = skeleton.names.map(() => new Quaternion());
    const joints = jointsOf(nodes.keys());
    this.targets = [...joints].map(([bone, joint]) => this.target(bone, nodes.get(bone)!, joint));
    this.targets.sort((a, b) => depth(a.node) - depth(b.node));
    for (const target of this.targets) this.place(target);
    this.hips = this.targets.find(({ bone }) => bone === "hips")!;
    this.hipsParent.copy(this.hips.node.parent!.matrixWorld).invert().multiply(space.matrixWorld);
    this.fit(skeleton);
  }

  fit(skeleton: SkeletonInfo): void {
    this.skeleton = skeleton;
    this.scale = (this.hips.at_m.y - this.options.floor_m) / skeleton.rest_m[1]!;
    if (this.options.alignLimbs) this.alignLimbs();
  }

  apply({ root_m, quat_xyzw }: Pose): void {
    this.readJoints(quat_xyzw);
    for (const { joint, node, rest, align, above, between, world } of this.targets) {
      world.copy(this.joints[joint]!).multiply(align).multiply(rest);
      node.quaternion.copy(between);
      if (above) node.quaternion.premultiply(above.world);
      node.quaternion.invert().multiply(world);
    }
    const position = this.hips.node.position.fromArray(root_m).multiplyScalar(this.scale).applyQuaternion(this.turn);
    position.y += this.options.floor_m;
    position.applyMatrix4(this.hipsParent);
  }

  /** World rotations of all joints, in the model's space. */
  private readJoints(quat_xyzw: Float32Array): void {
    const { parents } = this.skeleton;
    for (let j = 0; j < this.joints.length; j++) {
      const q = this.joints[j]!.fromArray(quat_xyzw, 4 * j);
      if (this.options.backwards) q.set(-q.x, q.y, -q.z, q.w); // the same turn, seen from behind
      if (parents[j]! >= 0) q.premultiply(this.joints[parents[j]!]!);
    }
  }

  private target(bone: HumanBone, node: Object3D, joint: string): Target {
    const [at_m, rest] = [new Vector3(), new Quaternion()];
    new Matrix4().copy(this.space.matrixWorld).invert().multiply(node.matrixWorld).decompose(at_m, rest, new Vector3());
    return { bone, node, joint: this.skeleton.names.indexOf(joint), at_m, rest, align: new Quaternion(), above: null, between: new Quaternion(), world: new Quaternion() };
  }

  private place(target: Target): void {
    const { between } = target;
    for (let node = target.node.parent; node && node !== this.space; node = node.parent) {
      target.above = this.targets.find((other) => other.node === node) ?? null;
      if (target.above) return;
      between.premultiply(node.quaternion);
    }
  }

  private alignLimbs(): void {
    const byBone = new Map(this.targets.map((target) => [target.bone, target]));
    for (const [from, to] of LIMBS) {
      const [a, b] = [byBone.get(from), byBone.get(to)];
      if (a && b) a.align.setFromUnitVectors(b.at_m.clone().sub(a.at_m).normalize(), this.wantedDirection(a, b));
    }
    for (const { bone, align } of this.targets) {
      const arm = HAND.test(bone) ? byBone.get(bone.startsWith("left") ? "leftLowerArm" : "rightLowerArm") : undefined;
      if (arm) align.copy(arm.align);
    }
  }

  private wantedDirection(from: Target, to: Target): Vector3 {
    const at = ({ joint }: Target): Vector3 => new Vector3().fromArray(this.skeleton.rest_m, 3 * joint);
    return at(to).sub(at(from)).applyQuaternion(this.turn).normalize();
  }
}

function depth(node: Object3D): number {
  let out = 0;
  for (let above = node.parent; above; above = above.parent) out++;
  return out;
}
