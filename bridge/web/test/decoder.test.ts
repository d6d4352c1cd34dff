import { describe, expect, it } from "vitest";
import { decodeAudio, decodeHeader, encodeS16, PoseDecoder } from "../src/protocol/decoder";
import type { LayoutField } from "../src/protocol/types";

function message(kind: number, body: Uint8Array, version = 1): DataView {
  const view = new DataView(new ArrayBuffer(32 + body.length));
  [0x47, 0x53, version, kind].forEach((byte, i) => view.setUint8(i, byte));
  view.setUint16(4, 9, true);
  view.setUint16(6, 32, true);
  view.setUint32(8, 4_000_000_000, true);
  view.setUint16(12, 1, true);
  view.setUint16(14, 65535, true);
  view.setFloat64(16, 12.5, true);
  view.setFloat64(24, 8123.25, true);
  new Uint8Array(view.buffer).set(body, 32);
  return view;
}

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

describe("header", () => {
  it("reads every field at its offset", () => {
    expect(decodeHeader(message(1, floats()))).toEqual({
      kind: 1, flags: 9, headerBytes: 32, sequence: 4_000_000_000, revision: 1, epoch: 65535, mediaTime_s: 12.5, serverTime_s: 8123.25,
    });
  });

  it("refuses short messages, foreign magic and other versions", () => {
    expect(() => decodeHeader(new DataView(new ArrayBuffer(31)))).toThrow("32 bytes");
    expect(() => decodeHeader(new DataView(new ArrayBuffer(32)))).toThrow("not a gesturestream message");
    expect(() => decodeHeader(message(1, floats(), 2))).toThrow("version 1, got 2");
  });
});

describe("pose", () => {
  const layout: LayoutField[] = [
    { name: "root_m", dtype: "f32", count: 3, offset: 36 },
    { name: "quat_xyzw", dtype: "f32", count: 4, offset: 48 },
    { name: "blendshapes", dtype: "u16n", count: 2, offset: 64 },
    { name: "from_the_future", dtype: "f99", count: 1, offset: 68 },
  ];

  it("reads by the layout's offsets and ignores fields it does not know", () => {
    const body = new Uint8Array([...floats(Number.NaN, 1, 2, 3, 0, 0, 0, 1), 0xff, 0xff, 0, 0, 1]);
    const view = message(1, body);
    const frame = new PoseDecoder(layout, 69).decode(view, decodeHeader(view));
    expect([...frame.root_m]).toEqual([1, 2, 3]);
    expect([...frame.quat_xyzw]).toEqual([0, 0, 0, 1]);
    expect([...frame.blendshapes]).toEqual([1, 0]);
  });

  it("refuses a frame shorter than the server promised", () => {
    const view = message(1, floats(1));
    expect(() => new PoseDecoder(layout, 69).decode(view, decodeHeader(view))).toThrow("expected 69 bytes, got 36");
  });
});

describe("q16 quaternions", () => {
  const layout: LayoutField[] = [
    { name: "root_m", dtype: "f32", count: 0, offset: 32 },
    { name: "quat_xyzw", dtype: "q16quat", count: 1, offset: 32 },
  ];
  const decode = (a: number, b: number, c: number, largest: number): number[] => {
    const body = new Uint8Array(new Int16Array([a, b, c, largest]).buffer);
    const view = message(1, body);
    return [...new PoseDecoder(layout, 40).decode(view, decodeHeader(view)).quat_xyzw];
  };

  /** The encoder of docs/protocol.md, for the test only. */
  function encode(q: number[]): [number, number, number, number] {
    const largest = q.reduce((best, value, i) => (Math.abs(value) > Math.abs(q[best]!) ? i : best), 0);
    const sign = q[largest]! < 0 ? -1 : 1;
    const rest = q.filter((_, i) => i !== largest).map((c) => Math.round(sign * c * Math.SQRT2 * 32767));
    return [...(rest as [number, number, number]), largest];
  }

  it("come back within 1e-4, unit, on the same side", () => {
    for (let k = 0; k < 200; k++) {
      const raw = [Math.sin(k), Math.cos(3 * k), Math.sin(7 * k + 1), Math.cos(11 * k)];
      const norm = Math.hypot(...raw) * Math.sign(raw[3]!);
      const q = raw.map((x) => x / norm);
      const out = decode(...encode(q));
      expect(Math.hypot(...out)).toBeCloseTo(1, 6);
      q.forEach((value, i) => expect(Math.abs(out[i]! - value)).toBeLessThan(1e-4));
    }
  });

  it("reject an index beyond w", () => {
    expect(() => decode(0, 0, 0, 4)).toThrow("largest component 4");
  });
});

describe("audio", () => {
  it("goes out and comes back as 16-bit PCM, clipped", () => {
    const sent = Float32Array.of(0, 0.5, -0.5, 2, -2);
    const view = message(2, new Uint8Array(encodeS16(sent)));
    const { pcm } = decodeAudio(view, decodeHeader(view), { rate: 16000, format: "s16le" });
    [0, 0.5, -0.5, 1, -1].forEach((value, i) => expect(pcm[i]).toBeCloseTo(value, 3));
  });
});
