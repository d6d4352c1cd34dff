import { Color, MeshPhysicalMaterial, MeshStandardMaterial } from "three";

export const PALETTE = {
  skin: "#d59a78",
  lips: "#b5625a",
  blush: "#d9826a",
  mouth: "#3a1013",
  tongue: "#c4666a",
  teeth: "#f4efe6",
  hair: "#2b1c17",
  sclera: "#f7f4ee",
  iris: "#4f7f86",
  sweater: "#ece5d8",
  rib: "#e06f52",
  trousers: "#2c3547",
  shoe: "#f3f0ea",
  sole: "#e06f52",
} as const;

export const color = (name: keyof typeof PALETTE): Color => new Color(PALETTE[name]);

export function cloth(name: keyof typeof PALETTE): MeshPhysicalMaterial {
  // Sheen is what separates wool from plastic: light that grazes the fibres comes back.
  return new MeshPhysicalMaterial({ color: color(name), roughness: 0.92, sheen: 0.6, sheenRoughness: 0.6, sheenColor: color(name) });
}

export function skinMaterial(vertexColors = false): MeshPhysicalMaterial {
  return new MeshPhysicalMaterial({
    color: vertexColors ? new Color("white") : color("skin"),
    vertexColors,
    roughness: 0.56,
    sheen: 0.35,
    sheenRoughness: 0.5,
    sheenColor: new Color("#ff8f6b"),
  });
}

export function matte(name: keyof typeof PALETTE, roughness = 0.7): MeshStandardMaterial {
  return new MeshStandardMaterial({ color: color(name), roughness });
}
