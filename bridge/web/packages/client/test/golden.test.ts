import { describe, expect, it } from "vitest";
import { type AudioFrame, blendPoses, decodeAudio, decodeHeader, KIND, parseServerMessage, PoseDecoder, type PoseFrame, restPose } from "../src/index.js";
import { angleBetween, binary, type Entry, index, json, readyOf } from "./kit.js";

const FIELDS = ["root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"] as const;

/** As a connection does it; null for a kind that is ignored. */
function decode({ file, ready }: Entry): PoseFrame | AudioFrame | null {
  const view = binary(file);
  const header = decodeHeader(view);
  const { layout, frame_bytes, audio } = readyOf(ready);
  if (header.kind === KIND.pose) return new PoseDecoder(layout, frame_bytes).decode(view, header);
  return header.kind === KIND.audio ? decodeAudio(view, header, audio) : null;
}

/** Largest difference; infinite where the lengths differ. */
function furthest(a: Float32Array, b: Float32Array): number {
  return a.length === b.length ? a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) : Infinity;
}

const those = (expected: Entry["expect"]): Entry[] => index.messages.filter((entry) => entry.expect === expected);

interface Values {
  header: Record<string, number>;
  tolerance: number;
  values?: Record<string, number[]>;
  pcm_s16?: number[];
}

describe("golden messages", () => {
  it("are all here", () => expect(index.messages.length).toBeGreaterThan(50));

  it.each(those("decode"))("$name decodes to what is written down", (entry) => {
    const message = decode(entry)!;
    const { header, tolerance, values, pcm_s16 } = json<Values>(entry.values!);
    expect(message).toMatchObject({
      kind: header["kind"], flags: header["flags"], headerBytes: header["header_bytes"], sequence: header["sequence"], epoch: header["epoch"],
      revision: header["skeleton_revision"], mediaTime_s: header["media_time_s"], serverTime_s: header["server_time_s"],
    });
    if ("pcm" in message) return expect([...message.pcm].map((x) => x * 32768)).toEqual(pcm_s16);
    const layout = readyOf(entry.ready).layout.map(({ name }) => name);
    for (const field of FIELDS) {
      if (!layout.includes(field)) expect(message[field]).toHaveLength(0);
      else expect(furthest(message[field], Float32Array.from(values![field]!)), field).toBeLessThanOrEqual(tolerance);
    }
  });

  it.each(those("decode").filter(({ source }) => source))("$name is within quantisation of $source", (entry) => {
    const [coded, exact] = [decode(entry) as PoseFrame, decode(index.messages.find(({ name }) => name === entry.source)!) as PoseFrame];
    for (let j = 0; j < 55; j++) expect(angleBetween(coded.quat_xyzw, exact.quat_xyzw, 4 * j)).toBeLessThanOrEqual(index.quantisation["quat_xyzw"]!);
    for (const field of ["expressions", "blendshapes", "contacts"] as const) {
      const limit = (i: number): number => (field === "expressions" && Math.abs(exact.expressions[i]!) > 8 ? Infinity : index.quantisation[field]! + 1e-7);
      coded[field].forEach((value, i) => expect(Math.abs(value - exact[field][i]!), `${field}[${i}]`).toBeLessThanOrEqual(limit(i)));
    }
  });

  it.each(those("refuse"))("$name is refused", (entry) => {
    expect(() => decode(entry)).toThrow();
  });

  it.each(those("ignore"))("$name is ignored", (entry) => {
    expect(decode(entry)).toBeNull();
  });

  it.each(those("survive"))("$name shows nothing that is not finite", (entry) => {
    let frame: PoseFrame | AudioFrame | null = null;
    try {
      frame = decode(entry);
    } catch {
      // refusing it is fine too
    }
    if (!frame || !("root_m" in frame)) return;
    const out = restPose(55, 0);
    blendPoses(frame, frame, 0.5, out);
    for (const field of FIELDS) expect(out[field].every(Number.isFinite)).toBe(true);
  });
});

describe("golden texts", () => {
  const { texts } = json<{ texts: { name: string; text: string; expect: Entry["expect"]; message?: object }[] }>("texts.json");

  it.each(texts.filter((entry) => entry.expect !== "survive"))("$name: $expect", ({ text, expect: expected, message }) => {
    if (expected === "refuse") expect(() => parseServerMessage(text)).toThrow();
    else expect(parseServerMessage(text)).toEqual(expected === "decode" ? message : null);
  });

  it.each(texts.filter((entry) => entry.expect === "survive"))("$name does no harm", ({ text }) => {
    const parsed = (): unknown => {
      try {
        return parseServerMessage(text);
      } catch {
        return null;
      }
    };
    expect(parsed()).toBeNull();
  });

  it("every ready is understood", () => {
    for (const name of ["f32", "q16", "f32_body", "q16_10", "events_only", "future"]) {
      expect(parseServerMessage(JSON.stringify(readyOf(name)))).toMatchObject({ type: "ready" });
    }
  });
});

describe("layouts that lie", () => {
  const { layout, frame_bytes } = readyOf("f32_body");
  it.each([
    ["outside of the frame", layout.map((field) => ({ ...field, offset: field.offset + 4e9 }))],
    ["inside the header", layout.map((field) => ({ ...field, offset: field.offset - 12 }))],
    ["a negative count", layout.map((field) => ({ ...field, count: -1 }))],
    ["no rotations", layout.filter(({ name }) => name !== "quat_xyzw")],
  ])("%s", (_, broken) => {
    expect(() => new PoseDecoder(broken, frame_bytes)).toThrow("bad layout");
  });
});

describe("interpolation", () => {
  const { before, after, tolerance, cases } = json<{ before: string; after: string; tolerance: number; cases: { t: number; quat_xyzw: number[] }[] }>("interpolation.json");
  const load = (name: string): PoseFrame => decode(index.messages.find((entry) => entry.name === name)!) as PoseFrame;

  it.each(cases)("takes the shorter arc although every w changes sign: t = $t", ({ t, quat_xyzw }) => {
    const out = restPose(55, 0);
    blendPoses(load(before), load(after), t, out);
    for (let j = 0; j < 55; j++) expect(angleBetween(out.quat_xyzw, quat_xyzw, 4 * j)).toBeLessThan(tolerance);
  });
});
