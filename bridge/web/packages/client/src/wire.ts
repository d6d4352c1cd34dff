import { ELEMENT_BYTES, HEADER_BYTES, HEADER_VERSION, type AudioFormat, type LayoutField } from "./protocol.generated.js";

/** The first bytes of every binary message. */
export interface Header {
  kind: number;
  /** Bits of `FLAG`. */
  flags: number;
  headerBytes: number;
  /** Pose: the session's frame index; audio: the count of audio messages on this connection. */
  sequence: number;
  /** Of the skeleton. */
  revision: number;
  /** +1 per interrupt, 16 bits, wraps. */
  epoch: number;
  mediaTime_s: number;
  /** When it was generated, server time. */
  serverTime_s: number;
}

export interface PoseFrame extends Header {
  /** World position of the pelvis, 3 values. */
  root_m: Float32Array;
  /** 4 values per joint, parent-local, unit, w >= 0. */
  quat_xyzw: Float32Array;
  /** 0, 10 or 100 FLAME-style coefficients, as asked for. */
  expressions: Float32Array;
  /** 52 ARKit weights, 0..1; empty when they were not asked for. */
  blendshapes: Float32Array;
  /** Left ankle, right ankle, left foot, right foot; 0..1. */
  contacts: Float32Array;
}

export interface AudioFrame extends Header {
  /** Mono, -1..1, at `ready.audio.rate`. */
  pcm: Float32Array;
}

const FIELDS = ["root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"] as const;
const MAX_ELEMENTS = 4096;
const SHORTEST = 1e-3; // a quaternion shorter than this is no rotation
const Q16_SCALE = 1 / (32767 * Math.SQRT2);

/** Reads the header. Throws on anything that is not a version 1 message with a plausible header. */
export function decodeHeader(view: DataView): Header {
  if (view.byteLength < HEADER_BYTES) throw new Error(`message too short: expected at least ${HEADER_BYTES} bytes, got ${view.byteLength}`);
  if (view.getUint8(0) !== 0x47 || view.getUint8(1) !== 0x53) throw new Error("not a gesturestream message");
  if (view.getUint8(2) !== HEADER_VERSION) throw new Error(`expected version ${HEADER_VERSION}, got ${view.getUint8(2)}`);
  const header: Header = {
    kind: view.getUint8(3),
    flags: view.getUint16(4, true),
    headerBytes: view.getUint16(6, true),
    sequence: view.getUint32(8, true),
    revision: view.getUint16(12, true),
    epoch: view.getUint16(14, true),
    mediaTime_s: view.getFloat64(16, true),
    serverTime_s: view.getFloat64(24, true),
  };
  if (header.headerBytes < HEADER_BYTES || header.headerBytes > view.byteLength) {
    throw new Error(`bad header: expected ${HEADER_BYTES}..${view.byteLength} bytes, got ${header.headerBytes}`);
  }
  if (!Number.isFinite(header.mediaTime_s) || !Number.isFinite(header.serverTime_s)) throw new Error("bad header: times are not finite");
  return header;
}

/** Epochs are 16-bit and wrap; a step of less than half the circle forward is newer. */
export function isOlderEpoch(epoch: number, current: number): boolean {
  return ((epoch - current) & 0xffff) >= 0x8000;
}

/** Decodes the pose frames of one connection, whose layout is fixed. */
export class PoseDecoder {
  private readonly fields: LayoutField[] = [];

  /** Throws when the layout has no root or no rotations, or a field does not fit the frame. */
  constructor(layout: readonly LayoutField[], private readonly frameBytes: number) {
    for (const field of layout) {
      if (!(FIELDS as readonly string[]).includes(field.name) || !(field.dtype in READERS)) continue; // a later server's
      const { name, dtype, count, offset } = field;
      const end = offset + count * ELEMENT_BYTES[dtype as keyof typeof ELEMENT_BYTES];
      const sane = Number.isInteger(count) && count >= 0 && count <= MAX_ELEMENTS && Number.isInteger(offset) && offset >= HEADER_BYTES;
      if (!sane || end > frameBytes) throw new Error(`bad layout: ${name} does not fit ${frameBytes} bytes`);
      this.fields.push({ name, dtype, count, offset });
    }
    this.require("root_m", 3, 3);
    this.require("quat_xyzw", 4, 4 * MAX_ELEMENTS);
  }

  /** Throws on a frame that is too short, or holds what no position and no rotation is. */
  decode(view: DataView, header: Header): PoseFrame {
    if (view.byteLength < this.frameBytes) throw new Error(`short frame: expected ${this.frameBytes} bytes, got ${view.byteLength}`);
    const frame: PoseFrame = { ...header, root_m: NONE, quat_xyzw: NONE, expressions: NONE, blendshapes: NONE, contacts: NONE };
    for (const { name, dtype, count, offset } of this.fields) frame[name as (typeof FIELDS)[number]] = READERS[dtype]!(view, offset, count);
    refuseShort(frame.quat_xyzw);
    return frame;
  }

  private require(name: string, low: number, high: number): void {
    const field = this.fields.find((other) => other.name === name);
    const values = field ? field.count * (field.dtype === "q16quat" ? 4 : 1) : 0;
    if (values < low || values > high) throw new Error(`bad layout: expected ${name} with at least ${low} values, got ${values}`);
  }
}

const NONE = new Float32Array(0);
const READERS: Record<string, (view: DataView, offset: number, count: number) => Float32Array> = {
  f32: (view, offset, count) => {
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      const value = view.getFloat32(offset + 4 * i, true);
      if (!Number.isFinite(value)) throw new Error(`bad frame: expected finite values, got ${value}`);
      out[i] = value;
    }
    return out;
  },
  u16n: (view, offset, count) => Float32Array.from({ length: count }, (_, i) => view.getUint16(offset + 2 * i, true) / 65535),
  i16x4096: (view, offset, count) => Float32Array.from({ length: count }, (_, i) => view.getInt16(offset + 2 * i, true) / 4096),
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
  const q = [0, 0, 0, 0];
  let rest = 1;
  for (let i = 0, k = 0; i < 4; i++) {
    if (i === largest) continue;
    const c = view.getInt16(offset + 2 * k++, true) * Q16_SCALE;
    q[i] = c;
    rest -= c * c;
  }
  q[largest] = Math.sqrt(Math.max(0, rest));
  const norm = Math.hypot(...q) * (q[3]! < 0 ? -1 : 1);
  for (let i = 0; i < 4; i++) out[at + i] = q[i]! / norm;
}

function refuseShort(quat_xyzw: Float32Array): void {
  for (let at = 0; at < quat_xyzw.length; at += 4) {
    const norm = Math.hypot(quat_xyzw[at]!, quat_xyzw[at + 1]!, quat_xyzw[at + 2]!, quat_xyzw[at + 3]!);
    if (norm < SHORTEST) throw new Error(`bad frame: rotation ${at / 4} has length ${norm}`);
  }
}

/** Throws on a broken sample at the end. */
export function decodeAudio(view: DataView, header: Header, { format }: AudioFormat): AudioFrame {
  const bytes = format === "s16le" ? 2 : 4;
  const length = (view.byteLength - header.headerBytes) / bytes;
  if (!Number.isInteger(length)) throw new Error(`bad audio: expected whole samples of ${bytes} bytes, got ${view.byteLength - header.headerBytes} bytes`);
  const pcm = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const at = header.headerBytes + bytes * i;
    pcm[i] = bytes === 2 ? view.getInt16(at, true) / 32768 : finite(view.getFloat32(at, true));
  }
  return { ...header, pcm };
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

/** Mono floats, -1..1, to little-endian 16-bit PCM, for a `start` with `"format": "s16le"`. What is not finite is silence. */
export function encodeS16(pcm: Float32Array): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(2 * pcm.length));
  for (let i = 0; i < pcm.length; i++) view.setInt16(2 * i, Math.round(Math.max(-1, Math.min(1, finite(pcm[i]!))) * 32767), true);
  return view.buffer as ArrayBuffer;
}
