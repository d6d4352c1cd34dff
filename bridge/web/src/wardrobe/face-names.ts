import { BLENDSHAPE_NAMES } from "@gesturestream/client";
import type { Folded } from "./face-fold";

const ENOUGH = 20; // of the 52: a face made for ARKit has nearly all

/** Letters and digits only, small; "_L" and "_R" written out; without the prefixes that exporters add. */
const plain = (name: string): string =>
  name.replace(/^.*\./, "").replace(/[_ ]L$/i, "Left").replace(/[_ ]R$/i, "Right").replace(/[^a-z0-9]/gi, "").toLowerCase();

const ARKIT = new Map(BLENDSHAPE_NAMES.map((name, i) => [plain(name), i]));

/** [its own name, index among the 52] for a face that has ARKit's shapes; null for one that has not. */
export function arkitShapes(names: readonly string[]): [string, number][] | null {
  const found = names.flatMap((name) => (ARKIT.has(plain(name)) ? [[name, ARKIT.get(plain(name))!] as [string, number]] : []));
  return found.length >= ENOUGH ? found : null;
}

/** Other names of the folded shapes: VRM 0, Oculus visemes, VRoid, and common English. */
const OTHERS: Record<Folded, readonly string[]> = {
  aa: ["a", "visemeaa", "fclmtha", "mouthopen", "vaa"],
  ih: ["i", "visemei", "fclmthi", "vih"],
  ou: ["u", "visemeu", "fclmthu", "vou"],
  ee: ["e", "visemee", "fclmthe", "vee"],
  oh: ["o", "visemeo", "fclmtho", "voh"],
  blink: ["blink", "eyesclosed", "fcleyeclose", "blinkboth"],
  blinkLeft: ["blinkl", "eyeblinkleft", "fcleyecloseleft"],
  blinkRight: ["blinkr", "eyeblinkright", "fcleyecloseright"],
  happy: ["joy", "smile", "mouthsmile", "fclalljoy"],
  angry: ["anger", "fclallangry"],
  sad: ["sorrow", "sadness", "fclallsorrow"],
  surprised: ["surprise", "fclallsurprised"],
};

/** Folded shape -> the face's own name for it, as far as it has one. */
export function foldedShapes(names: readonly string[]): Map<Folded, string> {
  const own = new Map(names.map((name) => [plain(name), name]));
  return new Map(
    (Object.keys(OTHERS) as Folded[]).flatMap((shape) => {
      const name = [plain(shape), ...OTHERS[shape]].map((other) => own.get(other)).find((other) => other !== undefined);
      return name === undefined ? [] : [[shape, name] as [Folded, string]];
    }),
  );
}
