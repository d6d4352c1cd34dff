import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Ready } from "../src/index.js";

/** The conformance kit: docs/clients.md says what is in it. */
const GOLDEN = new URL("../../../../conformance/golden/", import.meta.url);

const read = (name: string): Buffer => readFileSync(fileURLToPath(new URL(name, GOLDEN)));

export const json = <T>(name: string): T => JSON.parse(read(name).toString()) as T;

export function binary(name: string): DataView {
  const bytes = read(name);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export const readyOf = (name: string): Ready => json<Ready>(`ready/${name}.json`);

export interface Entry {
  name: string;
  file: string;
  ready: string;
  expect: "decode" | "refuse" | "ignore" | "survive";
  values?: string;
  source?: string;
}

export const index = json<{ messages: Entry[]; streams: string[]; quantisation: Record<string, number> }>("index.json");

export interface Recorded {
  arrival_s: number;
  data: string | DataView;
}

/** The records of a `.stream` file: f64 arrival, u8 opcode, u32 length, payload. */
export function* records(name: string): Generator<Recorded> {
  const view = binary(`${name}.stream`);
  for (let at = 0; at < view.byteLength; ) {
    const [arrival_s, opcode, length] = [view.getFloat64(at, true), view.getUint8(at + 8), view.getUint32(at + 9, true)];
    const payload = new Uint8Array(view.buffer, view.byteOffset + at + 13, length).slice();
    yield { arrival_s, data: opcode === 1 ? new TextDecoder().decode(payload) : new DataView(payload.buffer) };
    at += 13 + length;
  }
}

/** Angle between two rotations, radians; exact for small angles, where an arc cosine is not. */
export function angleBetween(a: ArrayLike<number>, b: ArrayLike<number>, at = 0): number {
  let [dot, off] = [0, 0];
  for (let i = at; i < at + 4; i++) dot += a[i]! * b[i]!;
  for (let i = at; i < at + 4; i++) off += (b[i]! - dot * a[i]!) ** 2;
  return 2 * Math.atan2(Math.sqrt(off), Math.abs(dot));
}
