import { Color, MeshStandardMaterial } from "three";

export const PALETTE = {
  skin: "#cf9c80",
  lips: "#b5625a",
  blush: "#d0806c",
  mouth: "#3a1013",
  tongue: "#c4666a",
  teeth: "#d9d1c4",
  hair: "#2b1c17",
  sclera: "#f7f4ee",
  iris: "#4f7f86",
  sweater: "#d9d2c4",
  rib: "#e06f52",
  trousers: "#39455c",
  shoe: "#f3f0ea",
  sole: "#e06f52",
} as const;

export const color = (name: keyof typeof PALETTE): Color => new Color(PALETTE[name]);

export function cloth(name: keyof typeof PALETTE): MeshStandardMaterial {
  return new MeshStandardMaterial({ color: color(name), roughness: 0.95 });
}

export function skinMaterial(vertexColors = false): MeshStandardMaterial {
  return new MeshStandardMaterial({ color: vertexColors ? new Color("white") : color("skin"), vertexColors, roughness: 0.52 });
}

export function matte(name: keyof typeof PALETTE, roughness = 0.7): MeshStandardMaterial {
  return new MeshStandardMaterial({ color: color(name), roughness });
}
