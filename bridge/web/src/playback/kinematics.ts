import { Quaternion, Vector3 } from "three";
import type { Pose, SkeletonInfo } from "@gesturestream/client";

/** World position of one joint of a pose, metres: up the tree from the joint to the pelvis. */
export function jointPosition({ parents, rest_m }: SkeletonInfo, pose: Pose, joint: number): Vector3 {
  const position = new Vector3();
  const offset = new Vector3();
  const rotation = new Quaternion();
  for (let j = joint; parents[j]! >= 0; j = parents[j]!) {
    const parent = parents[j]!;
    offset.fromArray(rest_m, 3 * j).sub(new Vector3().fromArray(rest_m, 3 * parent));
    position.add(offset).applyQuaternion(rotation.fromArray(pose.quat_xyzw, 4 * parent));
  }
  return position.add(offset.fromArray(pose.root_m));
}

/** Length of the path that some joints have taken, metres, over the frames received: independent of the picture rate. */
export class Travel {
  total_m = 0;
  private last: Vector3[] | null = null;

  constructor(private readonly skeleton: SkeletonInfo, private readonly joints: readonly number[]) {}

  add(pose: Pose): void {
    const now = this.joints.map((joint) => jointPosition(this.skeleton, pose, joint));
    this.last?.forEach((before, i) => (this.total_m += before.distanceTo(now[i]!)));
    this.last = now;
  }
}
