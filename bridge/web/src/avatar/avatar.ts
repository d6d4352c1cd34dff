import { Group, type Material, Mesh, SkinnedMesh } from "three";
import type { Pose, SkeletonInfo } from "@gesturestream/client";
import type { Body } from "../body";
import { Face } from "./face";
import { hand } from "./hand";
import { collar, cuff, hem, neck, type Part, shoes, soles, sweater, trousers } from "./outfit";
import { cloth, matte, skinMaterial } from "./palette";
import { Rig } from "./rig";
import { skin } from "./skin";
import { surfaceNets } from "./surface-nets";

/** The whole character, built in code over the joints the server names. Nothing is downloaded. */
export class Avatar implements Body {
  readonly group = new Group();
  readonly rig: Rig;
  private readonly face: Face;

  /** `coarseness` 1: for graphics cards; 2: a quarter of the triangles, for machines that draw with the processor. */
  constructor(skeleton: SkeletonInfo, blendshapes: readonly string[], private readonly coarseness = 1) {
    this.rig = new Rig(skeleton);
    this.group.add(this.rig.root);
    for (const [part, material] of this.parts()) this.group.add(this.mesh(part, material));
    this.face = new Face(this.rig, blendshapes, coarseness);
    this.rig.bone("head").add(this.face.group);
  }

  apply(pose: Pose): void {
    this.rig.apply(pose);
    this.face.update(pose.blendshapes);
  }

  jointPosition(name: string): [number, number, number] {
    return this.rig.worldPosition(name);
  }

  dispose(): void {
    this.group.traverse((node) => {
      if (!(node instanceof Mesh)) return;
      node.geometry.dispose();
      (node.material as Material).dispose();
    });
    this.rig.skeleton.dispose();
  }

  private parts(): [Part, Material][] {
    const { rig } = this;
    return [
      [sweater(rig), cloth("sweater")],
      [hem(rig), cloth("rib")],
      [collar(rig), cloth("rib")],
      [cuff(rig, "left"), cloth("rib")],
      [cuff(rig, "right"), cloth("rib")],
      [trousers(rig), cloth("trousers")],
      [shoes(rig), matte("shoe", 0.6)],
      [soles(rig), matte("sole", 0.7)],
      [neck(rig), skinMaterial()],
      [hand(rig, "left"), skinMaterial()],
      [hand(rig, "right"), skinMaterial()],
    ];
  }

  private mesh({ sdf, low, high, cell_m, segments }: Part, material: Material): SkinnedMesh {
    const geometry = surfaceNets(sdf, low, high, this.coarseness * cell_m);
    skin(geometry, this.rig, segments);
    const mesh = new SkinnedMesh(geometry, material);
    mesh.bind(this.rig.skeleton);
    mesh.frustumCulled = false; // its bounds are those of the rest pose
    mesh.castShadow = mesh.receiveShadow = true;
    return mesh;
  }
}
