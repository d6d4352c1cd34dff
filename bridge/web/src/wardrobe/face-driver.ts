import { foldFace, noFold, type Folded } from "./face-fold";
import { arkitShapes, foldedShapes } from "./face-names";

/** Moves a face by the 52 ARKit weights. */
export interface FaceDriver {
  /** For people. */
  label: string;
  update(weights: Float32Array): void;
}

/** `set` moves one of the face's own shapes, 0..1; `names` are all it has. */
export function faceDriver(names: readonly string[], set: (name: string, weight: number) => void): FaceDriver {
  const arkit = arkitShapes(names);
  if (arkit) return { label: `${arkit.length} ARKit shapes`, update: (weights) => arkit.forEach(([name, i]) => set(name, weights[i] ?? 0)) };
  const shapes = foldedShapes(names);
  if (!shapes.size) return { label: "a face that does not move", update: () => {} };
  const onlyBoth = shapes.has("blink") && !(shapes.has("blinkLeft") && shapes.has("blinkRight"));
  const folded = noFold();
  return {
    label: `${shapes.size} face shapes`,
    update(weights) {
      foldFace(weights, folded);
      if (onlyBoth) folded.blink = (folded.blinkLeft + folded.blinkRight) / 2;
      for (const [shape, name] of shapes) if (!onlyBoth || !ONE_EYE.has(shape)) set(name, folded[shape]);
    },
  };
}

const ONE_EYE = new Set<Folded>(["blinkLeft", "blinkRight"]);
