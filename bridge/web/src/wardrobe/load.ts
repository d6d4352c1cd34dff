import type { SkeletonInfo } from "@gesturestream/client";
import { type VRM, VRMLoaderPlugin, VRMUtils } from "@pixiv/three-vrm";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import type { FileBody } from "../body";
import { GltfBody, VrmBody } from "./file-bodies";

/** A body from the bytes of a .vrm, .glb or self-contained .gltf file. Throws an Error that tells a person what to do. */
export async function loadBody(bytes: ArrayBuffer, name: string, skeleton: SkeletonInfo): Promise<FileBody> {
  const loader = new GLTFLoader();
  loader.register((parser) => new VRMLoaderPlugin(parser));
  const gltf = await loader.parseAsync(bytes, "").catch((error: unknown) => {
    throw new Error(inWords(name, String((error as Error)?.message ?? error)));
  });
  const vrm = gltf.userData["vrm"] as VRM | undefined;
  const title = name.replace(/\.\w+$/, "");
  try {
    if (!vrm) return new GltfBody(gltf.scene, skeleton, title);
    VRMUtils.removeUnnecessaryVertices(gltf.scene);
    return new VrmBody(vrm, skeleton, title);
  } catch (error) {
    VRMUtils.deepDispose(gltf.scene);
    throw new Error(`“${name}” ${error instanceof Error ? error.message : String(error)}`);
  }
}

function inWords(name: string, reason: string): string {
  if (/DRACO|KTX2|Meshopt/i.test(reason)) return `“${name}” is compressed in a way that this page cannot read. Export it without mesh or texture compression.`;
  if (/fetch|load (buffer|texture)|URL/i.test(reason)) return `“${name}” refers to other files. Export it as one .glb file.`;
  return `“${name}” cannot be read as a .vrm or .glb avatar (${reason}).`;
}
