export interface HumanoidFileOptions {
  format?: "vrm1" | "vrm0" | "glb";
  names?: "vrm" | "mixamo" | "rpm" | "foreign";
  morphs?: "arkit" | "presets" | "none";
  arkitNames?: readonly string[];
  armsDown?: number;
  texture?: boolean;
  turnedBones?: boolean;
  armature?: number;
}
export function humanoidFile(options?: HumanoidFileOptions): Buffer;
