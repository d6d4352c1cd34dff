import { Bone, Quaternion, Skeleton, Vector3 } from "three";
import type { Pose, SkeletonInfo } from "@gesturestream/client";
import type { Vec3 } from "./sdf";

/**
 * Joints that get a helper bone turned half as far: skin between parent and child passes through it, which halves
 * the angle that linear blending has to bridge, so that lowered arms and bent elbows keep their volume.
 */
const HALF_JOINTS = ["hip", "knee", "shoulder", "elbow", "wrist"].flatMap((name) => [`left_${name}`, `right_${name}`]);

/** The 55 bones of `ready.skeleton` and the helper bones behind them. */
export class Rig {
  readonly bones: Bone[] = [];
  readonly skeleton: Skeleton;
  /** Helper bone index by joint index. */
  readonly half = new Map<number, number>();
  private readonly identity = new Quaternion();

  constructor(readonly info: SkeletonInfo) {
    info.names.forEach((name, j) => this.addJoint(name, j));
    for (const name of HALF_JOINTS) this.addHalf(this.index(name));
    this.bones[0]!.updateMatrixWorld(true);
    this.skeleton = new Skeleton(this.bones);
  }

  get root(): Bone {
    return this.bones[0]!;
  }

  index(name: string): number {
    const index = this.info.names.indexOf(name);
    if (index < 0) throw new Error(`the server's skeleton has no joint ${name}`);
    return index;
  }

  bone(name: string): Bone {
    return this.bones[this.index(name)]!;
  }

  rest(name: string): Vec3 {
    return this.restOf(this.index(name));
  }

  restOf(j: number): Vec3 {
    return this.info.rest_m.slice(3 * j, 3 * j + 3) as unknown as Vec3;
  }

  apply(pose: Pose): void {
    this.root.position.fromArray(pose.root_m);
    for (let j = 0; j < this.info.names.length; j++) this.bones[j]!.quaternion.fromArray(pose.quat_xyzw, 4 * j);
    for (const [joint, half] of this.half) {
      this.bones[half]!.quaternion.slerpQuaternions(this.identity, this.bones[joint]!.quaternion, 0.5);
    }
  }

  worldPosition(name: string): [number, number, number] {
    return this.bone(name).getWorldPosition(new Vector3()).toArray();
  }

  private addJoint(name: string, j: number): void {
    const bone = new Bone();
    bone.name = name;
    this.bones.push(bone);
    this.place(bone, j);
  }

  private addHalf(j: number): void {
    const bone = new Bone();
    bone.name = `${this.info.names[j]!}_half`;
    this.half.set(j, this.bones.length);
    this.bones.push(bone);
    this.place(bone, j);
  }

  private place(bone: Bone, j: number): void {
    const parent = this.info.parents[j]!;
    bone.position.fromArray(this.restOf(j));
    if (parent < 0) return;
    bone.position.sub(new Vector3(...this.restOf(parent)));
    this.bones[parent]!.add(bone);
  }
}
