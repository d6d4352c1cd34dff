import type { Pose, Ready, SkeletonInfo } from "@gesturestream/client";
import { Avatar } from "../avatar/avatar";
import type { Body, FileBody } from "../body";
import type { Stage } from "../stage/stage";

const LARGEST_BYTES = 512 * 2 ** 20;

/** A file that is an avatar by its name; anything else is taken for a recording. */
export const isAvatar = (name: string): boolean => /\.(vrm|glb|gltf)$/i.test(name);

/** The body on stage: the built-in one, until a file is worn. */
export class Dressing {
  worn: FileBody | null = null;
  /** Time it took to build the built-in character, ms. */
  buildTime_ms = 0;
  private builtIn: Avatar | null = null;
  private skeleton: SkeletonInfo | null = null;
  private key = "";
  private turn = 0;
  private known!: (skeleton: SkeletonInfo) => void;
  private readonly whenKnown = new Promise<SkeletonInfo>((resolve) => (this.known = resolve));

  constructor(private readonly stage: Stage) {}

  get body(): Body | null {
    return this.worn ?? this.builtIn;
  }

  apply(pose: Pose, dt_s: number): void {
    this.body?.apply(pose, dt_s);
  }

  /** True when the skeleton is another one than before. */
  fit({ skeleton, blendshapes }: Ready): boolean {
    const key = JSON.stringify(skeleton.rest_m);
    if (key === this.key) return false;
    this.key = key;
    this.skeleton = skeleton;
    this.known(skeleton);
    if (this.builtIn) this.remove(this.builtIn);
    const begin_ms = performance.now();
    this.builtIn = new Avatar(skeleton, blendshapes, this.stage.rich ? 1 : 2);
    this.buildTime_ms = performance.now() - begin_ms;
    this.stage.add(this.builtIn.group);
    this.builtIn.group.visible = !this.worn;
    this.worn?.fit(skeleton);
    return true;
  }

  /** Shows the avatar of a file. Throws an Error for people, and then everything stays as it was. */
  async wear(file: File): Promise<void> {
    const turn = ++this.turn;
    if (file.size > LARGEST_BYTES) throw new Error(`“${file.name}” is larger than ${LARGEST_BYTES / 2 ** 20} MB. Export it with smaller textures.`);
    const [{ loadBody }, bytes, skeleton] = await Promise.all([loader(), file.arrayBuffer(), this.whenKnown]);
    const body = await loadBody(bytes, file.name, skeleton);
    if (turn !== this.turn) return body.dispose(); // another one was chosen meanwhile
    if (this.worn) this.remove(this.worn);
    this.worn = body;
    if (this.skeleton !== skeleton) body.fit(this.skeleton!);
    this.stage.add(body.group);
    this.builtIn!.group.visible = false;
  }

  /** Back to the built-in body. */
  takeOff(): void {
    this.turn++;
    if (this.worn) this.remove(this.worn);
    this.worn = null;
    if (this.builtIn) this.builtIn.group.visible = true;
  }

  private remove(body: Body): void {
    this.stage.remove(body.group);
    body.dispose();
  }
}

/** Comes when it is needed: the page opens without it. */
async function loader(): Promise<typeof import("../wardrobe/load")> {
  try {
    return await import("../wardrobe/load");
  } catch {
    throw new Error("The part of this page that reads avatars did not load. Reload the page and try again.");
  }
}
