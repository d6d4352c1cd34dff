import { BLENDSHAPE_NAMES, type BlendshapeName } from "@gesturestream/client";

/** What a face without ARKit shapes has: VRM's mouth shapes, blinks and emotions. */
export const FOLDED = ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight", "happy", "angry", "sad", "surprised"] as const;
export type Folded = (typeof FOLDED)[number];

const AT = new Map(BLENDSHAPE_NAMES.map((name, i) => [name, i]));
const clamp01 = (x: number): number => Math.min(1, Math.max(0, x));

/**
 * Folds the 52 ARKit weights. Mouth: opening (jaw) and lip shape (round or wide) are separate in ARKit and one shape in
 * VRM, so the opening is divided among the vowels by how the lips are shaped. An approximation.
 */
export function foldFace(weights: ArrayLike<number>, out: Record<Folded, number>): void {
  const w = (name: BlendshapeName): number => weights[AT.get(name)!] ?? 0;
  const both = (name: string): number => (w(`${name}Left` as BlendshapeName) + w(`${name}Right` as BlendshapeName)) / 2;
  const open = clamp01(1.5 * (w("jawOpen") - 0.6 * w("mouthClose")) + 0.4 * both("mouthLowerDown"));
  const round = clamp01(w("mouthPucker") + 0.7 * w("mouthFunnel"));
  const wide = clamp01(both("mouthStretch") + 0.6 * both("mouthSmile") + 0.5 * both("mouthDimple"));
  const neither = clamp01(1 - round - wide);
  out.aa = open * (neither + 0.35 * wide);
  out.oh = open * round;
  out.ou = (1 - open) * round;
  out.ee = open * wide * 0.65;
  out.ih = (1 - open) * clamp01(both("mouthStretch") + 0.5 * both("mouthDimple")) * 0.8;
  const total = out.aa + out.oh + out.ou + out.ee + out.ih;
  if (total > 1) for (const vowel of ["aa", "oh", "ou", "ee", "ih"] as const) out[vowel] /= total;
  out.blinkLeft = clamp01(w("eyeBlinkLeft") + 0.25 * w("eyeSquintLeft"));
  out.blinkRight = clamp01(w("eyeBlinkRight") + 0.25 * w("eyeSquintRight"));
  out.blink = 0; // the two above say it; a face that has only this one gets their mean
  out.happy = clamp01(0.9 * both("mouthSmile") + 0.3 * both("cheekSquint") - both("mouthFrown"));
  out.sad = clamp01(0.8 * both("mouthFrown") + 0.4 * w("browInnerUp") * (1 - out.happy) - both("browDown"));
  out.angry = clamp01(0.8 * both("browDown") + 0.5 * both("noseSneer") - out.happy);
  out.surprised = clamp01(0.7 * both("eyeWide") + 0.5 * both("browOuterUp") - out.angry);
}

export const noFold = (): Record<Folded, number> => Object.fromEntries(FOLDED.map((name) => [name, 0])) as Record<Folded, number>;

/** Where the eyes look, degrees: to the own left and up. */
export function gaze(weights: ArrayLike<number>): { left_deg: number; up_deg: number } {
  const w = (name: BlendshapeName): number => weights[AT.get(name)!] ?? 0;
  const left = w("eyeLookOutLeft") - w("eyeLookInLeft") + w("eyeLookInRight") - w("eyeLookOutRight");
  const up = w("eyeLookUpLeft") + w("eyeLookUpRight") - w("eyeLookDownLeft") - w("eyeLookDownRight");
  return { left_deg: 15 * left, up_deg: 12 * up };
}
