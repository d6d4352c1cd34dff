import { SkinnedMesh, Vector3 } from "three";
import { describe, expect, it } from "vitest";
import { Avatar } from "../src/avatar/avatar";
import { jointPosition } from "../src/playback/kinematics";
import { restPose } from "@gesturestream/client";
import { readyOf } from "../packages/client/test/kit";

const fixture = readyOf("f32");
const avatar = new Avatar(fixture.skeleton, fixture.blendshapes);
const meshes = avatar.group.children.filter((node): node is SkinnedMesh => node instanceof SkinnedMesh);

function* vertices(mesh: SkinnedMesh): Generator<Vector3> {
  const position = mesh.geometry.getAttribute("position");
  for (let v = 0; v < position.count; v++) yield mesh.getVertexPosition(v, new Vector3());
}

describe("avatar", () => {
  it("is bound by weights that are finite and add up to one", () => {
    for (const mesh of meshes) {
      const weight = mesh.geometry.getAttribute("skinWeight");
      let worst = 0;
      for (let v = 0; v < weight.count; v++) worst = Math.max(worst, Math.abs(weight.getX(v) + weight.getY(v) + weight.getZ(v) + weight.getW(v) - 1));
      expect(worst).toBeLessThan(1e-5);
    }
  });

  it("stands in the rest pose where it was built: soles on the floor, 1.6 to 1.8 m tall", () => {
    avatar.apply(restPose(55, fixture.skeleton.rest_m[1]!));
    avatar.group.updateMatrixWorld(true);
    const heights = meshes.flatMap((mesh) => [...vertices(mesh)].map((p) => p.y));
    expect(Math.min(...heights)).toBeGreaterThan(-0.01);
    expect(Math.min(...heights)).toBeLessThan(0.01);
    expect(heights.every(Number.isFinite)).toBe(true);
  });

  it("puts its joints where independent kinematics put them", () => {
    const pose = restPose(55, 1);
    for (let j = 0; j < 55; j++) {
      const q = [Math.sin(j), Math.cos(2 * j), Math.sin(3 * j + 1), 2];
      pose.quat_xyzw.set(q.map((c) => c / Math.hypot(...q)), 4 * j);
    }
    avatar.apply(pose);
    avatar.group.updateMatrixWorld(true);
    for (const name of ["pelvis", "head", "left_wrist", "right_thumb3", "left_foot"]) {
      const own = avatar.rig.worldPosition(name);
      jointPosition(fixture.skeleton, pose, avatar.rig.index(name)).toArray().forEach((value, i) => expect(own[i]).toBeCloseTo(value, 5));
    }
  });

  it("moves the hand rigidly with the elbow", () => {
    const pose = restPose(55, fixture.skeleton.rest_m[1]!);
    const elbow = avatar.rig.index("left_elbow");
    pose.quat_xyzw.set([0, -Math.SQRT1_2, 0, Math.SQRT1_2], 4 * elbow); // forearm 90 degrees forward
    avatar.apply(pose);
    avatar.group.updateMatrixWorld(true);
    const [ex, ey, ez] = avatar.rig.rest("left_elbow");
    const [wx, wy, wz] = avatar.rig.rest("left_wrist");
    const [x, y, z] = avatar.rig.worldPosition("left_wrist");
    expect([x, y, z].map((v) => +v.toFixed(4))).toEqual([ex - (wz - ez), wy + 0 * ey, ez + (wx - ex)].map((v) => +v.toFixed(4)));
  });
});
