import type { AudioFormat, LayoutField } from "./types";

export const FLAG = { discontinuity: 1, idle: 2, retracting: 4, cue: 8, dropped: 16 } as const;
export const KIND = { pose: 1, audio: 2 } as const;

export interface Header {
  kind: number;
  flags: number;
  headerBytes: number;
  sequence: number;
  revision: number;
  epoch: number;
  mediaTime_s: number;
  serverTime_s: number;
}

export interface PoseFrame extends Header {
  root_m: Float32Array;
  /** 4 values per joint, parent-local. */
  quat_xyzw: Float32Array;
  /** 52 ARKit weights, 0..1; empty when the server sends none. */
  blendshapes: Float32Array;
}

export interface AudioFrame extends Header {
  pcm: Float32Array;
}

const Q16_SCALE = 1 / (32767 * Math.SQRT2);

/** Reads the 32-byte header; throws on anything that is not a version 1 message. */
export function decodeHeader(view: DataView): Header {
  if (view.byteLength < 32) throw new Error(`message too short: expected at least 32 bytes, got ${view.byteLength}`);
  if (view.getUint8(0) !== 0x47 || view.getUint8(1) !== 0x53) throw new Error("not a gesturestream message");
  if (view.getUint8(2) !== 1) throw new Error(`expected version 1, got ${view.getUint8(2)}`);
  return {
    kind: view.getUint8(3),
    flags: view.getUint16(4, true),
    headerBytes: view.getUint16(6, true),
    sequence: view.getUint32(8, true),
    revision: view.getUint16(12, true),
    epoch: view.getUint16(14, true),
    mediaTime_s: view.getFloat64(16, true),
    serverTime_s: view.getFloat64(24, true),
  };
}

/** Decodes pose frames of one connection, whose layout is fixed. */
export class PoseDecoder {
  private readonly fields: Map<string, LayoutField>;

  constructor(layout: readonly LayoutField[], private readonly frameBytes: number) {
    this.fields = new Map(layout.map((field) => [field.name, field]));
    for (const name of ["root_m", "quat_xyzw"]) {
      if (!this.fields.has(name)) throw new Error(`the server's layout has no ${name}`);
    }
  }

  decode(view: DataView, header: Header): PoseFrame {
    if (view.byteLength < this.frameBytes) {
      throw new Error(`short frame: expected ${this.frameBytes} bytes, got ${view.byteLength}`);
    }
    return {
      ...header,
      root_m: this.read(view, "root_m"),
      quat_xyzw: this.read(view, "quat_xyzw"),
      blendshapes: this.read(view, "blendshapes"),
    };
  }

  private read(view: DataView, name: string): Float32Array {
    const field = this.fields.get(name);
    return field ? readField(view, field) : new Float32Array(0);
  }
}

function readField(view: DataView, { dtype, count, offset }: LayoutField): Float32Array {
  const read = READERS[dtype];
  if (!read) throw new Error(`unknown dtype ${dtype}`);
  return read(view, offset, count);
}

const READERS: Record<string, (view: DataView, offset: number, count: number) => Float32Array> = {
  f32: (view, offset, count) => Float32Array.from({ length: count }, (_, i) => view.getFloat32(offset + 4 * i, true)),
  u16n: (view, offset, count) =>
    Float32Array.from({ length: count }, (_, i) => view.getUint16(offset + 2 * i, true) / 65535),
  i16x4096: (view, offset, count) =>
    Float32Array.from({ length: count }, (_, i) => view.getInt16(offset + 2 * i, true) / 4096),
  q16quat: (view, offset, count) => {
    const out = new Float32Array(4 * count);
    for (let j = 0; j < count; j++) readSmallestThree(view, offset + 8 * j, out, 4 * j);
    return out;
  },
};

/** The three smaller components as i16, then the index of the largest, which is rebuilt from the unit length. */
function readSmallestThree(view: DataView, offset: number, out: Float32Array, at: number): void {
  const largest = view.getUint16(offset + 6, true);
  if (largest > 3) throw new Error(`bad q16 quaternion: largest component ${largest}, expected 0..3`);
  let rest = 1;
  for (let i = 0, k = 0; i < 4; i++) {
    if (i === largest) continue;
    const c = view.getInt16(offset + 2 * k++, true) * Q16_SCALE;
    out[at + i] = c;
    rest -= c * c;
  }
  out[at + largest] = Math.sqrt(Math.max(0, rest));
  let norm = Math.hypot(out[at]!, out[at + 1]!, out[at + 2]!, out[at + 3]!);
  if (out[at + 3]! < 0) norm = -norm;
  for (let i = 0; i < 4; i++) out[at + i]! /= norm;
}

export function decodeAudio(view: DataView, header: Header, format: AudioFormat): AudioFrame {
  const bytes = format.format === "s16le" ? 2 : 4;
  const pcm = new Float32Array(Math.floor((view.byteLength - header.headerBytes) / bytes));
  for (let i = 0; i < pcm.length; i++) {
    const at = header.headerBytes + bytes * i;
    pcm[i] = bytes === 2 ? view.getInt16(at, true) / 32768 : view.getFloat32(at, true);
  }
  return { ...header, pcm };
}

/** Mono floats to little-endian 16-bit PCM. */
export function encodeS16(pcm: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(2 * pcm.length));
  for (let i = 0; i < pcm.length; i++) {
    view.setInt16(2 * i, Math.round(Math.max(-1, Math.min(1, pcm[i]!)) * 32767), true);
  }
  return view.buffer as ArrayBuffer;
}
