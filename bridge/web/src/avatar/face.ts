import { BoxGeometry, CapsuleGeometry, DoubleSide, Group, Mesh, TorusGeometry } from "three";
import { Brow } from "./brow";
import { Eye } from "./eyes";
import { headMesh } from "./head-mesh";
import { addMorphs, JAW_OPEN_RAD } from "./head-morphs";
import { earField, hairField, headField, landmarks, type Landmarks } from "./head-shape";
import { matte, skinMaterial } from "./palette";
import type { Rig } from "./rig";
import type { Vec3 } from "./sdf";
import { surfaceNets } from "./surface-nets";

const HEAD_SCALE = 1.09; // a slightly large head reads better from a distance

/** Everything above the neck, in the space of the head bone, driven by the 52 ARKit blendshapes. */
export class Face {
  readonly group = new Group();
  private readonly eyes: [Eye, Eye];
  private readonly brows: [Brow, Brow];
  private readonly skin: Mesh;
  private readonly jaw = new Group();
  private readonly morphOf: [number, number][];
  private readonly at: Map<string, number>;

  constructor(rig: Rig, blendshapes: readonly string[], coarseness: number) {
    const head = rig.rest("head");
    const local = (name: string): Vec3 => rig.rest(name).map((value, i) => value - head[i]!) as unknown as Vec3;
    const marks = landmarks(local("left_eye_smplhf"), local("jaw"));
    this.at = new Map(blendshapes.map((name, i) => [name, i]));
    this.eyes = [new Eye(marks, 1), new Eye(marks, -1)];
    const field = headField(marks);
    this.brows = [new Brow(1, field), new Brow(-1, field)];
    const head_ = headMesh(marks, coarseness);
    const names = addMorphs(head_, marks);
    this.skin = new Mesh(head_.geometry, skinMaterial(true));
    this.skin.frustumCulled = false;
    this.morphOf = names.flatMap((name, i) => (this.at.has(name) ? [[i, this.at.get(name)!] as [number, number]] : []));
    this.group.add(this.skin, ...hairAndEars(coarseness), ...this.eyes.map((eye) => eye.group), ...this.brows.map((brow) => brow.mesh));
    this.group.add(...mouthInside(marks, this.jaw));
    this.group.traverse((node) => (node.castShadow = node instanceof Mesh));
    this.skin.receiveShadow = true;
    this.group.scale.setScalar(HEAD_SCALE);
  }

  update(weights: Float32Array): void {
    const w = (name: string): number => weights[this.at.get(name) ?? -1] ?? 0;
    for (const [morph, blendshape] of this.morphOf) this.skin.morphTargetInfluences![morph] = weights[blendshape] ?? 0;
    this.jaw.rotation.x = w("jawOpen") * JAW_OPEN_RAD;
    this.jaw.position.x = this.jaw.userData["x"] + 0.007 * (w("jawLeft") - w("jawRight"));
    (["Left", "Right"] as const).forEach((side, i) => {
      const inwards = w(`eyeLookIn${side}`) - w(`eyeLookOut${side}`);
      this.eyes[i]!.update({
        blink: w(`eyeBlink${side}`),
        wide: w(`eyeWide${side}`),
        squint: w(`eyeSquint${side}`),
        lookX: side === "Left" ? -inwards : inwards,
        lookY: w(`eyeLookUp${side}`) - w(`eyeLookDown${side}`),
      });
      this.brows[i]!.update({ innerUp: w("browInnerUp"), outerUp: w(`browOuterUp${side}`), down: w(`browDown${side}`) });
    });
  }
}

function hairAndEars(coarseness: number): Mesh[] {
  const ears = new Mesh(surfaceNets(earField(), [-0.1, 0, -0.04], [0.1, 0.1, 0.03], 0.0035 * coarseness), skinMaterial());
  const hair = new Mesh(surfaceNets(hairField(), [-0.11, -0.05, -0.13], [0.11, 0.2, 0.13], 0.0042 * coarseness), matte("hair", 0.6));
  hair.receiveShadow = true;
  return [ears, hair];
}

/** Teeth and tongue; the lower ones hang on the jaw. */
function mouthInside({ mouth, jaw, mouthHalfWidth }: Landmarks, jawGroup: Group): Group[] {
  const upper = new Group();
  const arch = (y: number, width: number): Mesh => {
    const teeth = new Mesh(new TorusGeometry(width, 0.003, 8, 24, Math.PI), matte("teeth", 0.3));
    teeth.rotation.x = Math.PI / 2;
    teeth.scale.set(1, 1, 1.7);
    teeth.position.set(mouth[0], mouth[1] + y, mouth[2] - 0.0135 - width);
    return teeth;
  };
  upper.add(arch(0.0045, 0.6 * mouthHalfWidth));
  const inside = matte("mouth", 1);
  inside.side = DoubleSide;
  const throat = new Mesh(new BoxGeometry(0.05, 0.05, 0.002), inside);
  throat.position.set(mouth[0], mouth[1] - 0.01, mouth[2] - 0.042);
  upper.add(throat);
  jawGroup.position.set(...jaw);
  jawGroup.userData["x"] = jaw[0];
  const lower = new Group();
  lower.position.set(-jaw[0], -jaw[1], -jaw[2]);
  const tongue = new Mesh(new CapsuleGeometry(0.011, 0.014, 6, 14), matte("tongue", 0.45));
  tongue.rotation.x = Math.PI / 2;
  tongue.scale.set(1.15, 1, 0.5);
  tongue.position.set(mouth[0], mouth[1] - 0.0095, mouth[2] - 0.029);
  lower.add(arch(-0.0095, 0.52 * mouthHalfWidth), tongue);
  jawGroup.add(lower);
  return [upper, jawGroup];
}
