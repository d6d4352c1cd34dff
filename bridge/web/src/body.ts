import type { Pose, SkeletonInfo } from "@gesturestream/client";
import type { Object3D } from "three";

/** Something on the stage that can be posed: the built-in character, or one from a file. */
export interface Body {
  readonly group: Object3D;
  apply(pose: Pose, dt_s: number): void;
  /** World position of a joint by its SMPL-X name, metres; of its nearest ancestor where the body has no such bone. */
  jointPosition(name: string): [number, number, number];
  dispose(): void;
}

/** A body from a file. */
export interface FileBody extends Body {
  /** What it calls itself, and who made it, as far as the file says. */
  readonly title: string;
  readonly author: string;
  /** How its bones and its face were understood, for people. */
  readonly about: string;
  /** The server's skeleton has changed. */
  fit(skeleton: SkeletonInfo): void;
}
