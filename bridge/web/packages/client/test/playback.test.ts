import { describe, expect, it } from "vitest";
import { decodeHeader, FLAG, JitterBuffer, KIND, parseServerMessage, Player, PoseDecoder, type PoseFrame, restPose, slerp } from "../src/index.js";
import { angleBetween, index, json, records } from "./kit.js";

const turned = (radians: number): Float32Array => Float32Array.of(0, Math.sin(radians / 2), 0, Math.cos(radians / 2));
const NONE = new Float32Array(0);

function frame(k: number, { epoch = 0, flags = 0, x = k, angle = 0.01 * k } = {}): PoseFrame {
  const header = { kind: 1, headerBytes: 32, revision: 1, sequence: k, mediaTime_s: k / 30, serverTime_s: k / 30, epoch, flags };
  return { ...header, root_m: Float32Array.of(x, 0, 0), quat_xyzw: turned(angle), expressions: NONE, blendshapes: NONE, contacts: NONE };
}

const pose = () => restPose(1, 0);
const player = () => new Player({ joints: 1, hipHeight_m: 0 });

describe("slerp", () => {
  it("takes the shorter arc at constant speed and stays unit, in place too", () => {
    for (const t of [0, 0.25, 0.5, 1]) {
      const out = turned(0.2);
      slerp(out, turned(1.4).map((c) => -c), t, out, 0);
      expect(angleBetween(out, turned(0.2 + 1.2 * t))).toBeLessThan(1e-6);
      expect(Math.hypot(...out)).toBeCloseTo(1, 6);
    }
  });
});

describe("jitter buffer", () => {
  it("orders by media time and interpolates between neighbours", () => {
    const buffer = new JitterBuffer();
    [0, 3, 1, 2, 2].forEach((k) => buffer.push(frame(k)));
    const out = pose();
    expect([buffer.length, buffer.discarded]).toEqual([4, 1]);
    expect(buffer.sample(1.5 / 30, out)).toBe("between");
    expect(out.root_m[0]).toBeCloseTo(1.5, 5);
  });

  it("holds the last frame when it runs dry and the first before it starts", () => {
    const buffer = new JitterBuffer();
    buffer.push(frame(3));
    buffer.push(frame(4));
    const out = pose();
    expect(buffer.sample(0, out)).toBe("early");
    expect(out.root_m[0]).toBe(3);
    expect(buffer.sample(9, out)).toBe("underrun");
    expect(out.root_m[0]).toBe(4);
  });

  it("does not interpolate into a discontinuity", () => {
    const buffer = new JitterBuffer();
    buffer.push(frame(0, { x: 0 }));
    buffer.push(frame(1, { x: 10, flags: FLAG.discontinuity }));
    const out = pose();
    buffer.sample(0.9 / 30, out);
    expect(out.root_m[0]).toBe(0);
  });

  it("never holds more than its capacity, which is at least 0.5 s", () => {
    const buffer = new JitterBuffer(0.5);
    for (let k = 0; k < 300; k++) buffer.push(frame(k));
    expect(buffer.length).toBeLessThanOrEqual(16);
    expect(() => new JitterBuffer(0.4)).toThrow("at least 0.5 s");
  });
});

interface StreamValues {
  epoch: number;
  newest_sequence: number;
  records: { old?: boolean; opens?: boolean; epoch?: number; sequence?: number }[];
}

describe("golden streams", () => {
  it.each(index.streams)("%s", (name) => {
    const values = json<StreamValues>(`${name}.json`);
    const shown = new Player();
    let decoder: PoseDecoder | null = null;
    [...records(name)].forEach(({ arrival_s, data }, i) => {
      const expected = values.records[i]!;
      if (typeof data === "string") {
        const message = parseServerMessage(data);
        if (message?.type === "ready") decoder = new PoseDecoder(message.layout, message.frame_bytes);
        return;
      }
      const header = decodeHeader(data);
      if (header.kind !== KIND.pose) return;
      const before = shown.buffer.discarded;
      const opened = shown.push(decoder!.decode(data, header), arrival_s);
      expect([opened, shown.buffer.discarded > before], `record ${i}`).toEqual([expected.opens, expected.old]);
      shown.update(arrival_s);
      expect(shown.epoch).toBe(shown.buffer.epoch);
      if (expected.opens) expect(shown.mediaTime_s).toBeGreaterThanOrEqual(header.mediaTime_s);
    });
    expect([shown.buffer.epoch, shown.buffer.newest!.sequence]).toEqual([values.epoch, values.newest_sequence]);
  });
});

interface Delays {
  motion: { amplitude_rad: number; frequency_hz: number };
  max_speed_rad_s: number;
  stalls_s: [number, number][];
  limits: { speed_ratio: number; frozen_share: number; recovery_s: number };
  arrival_s: number[];
}

/** 60 pictures a second of what arrives through the bad network of the kit, and the same at another picture rate. */
function throughBadNetwork({ motion, max_speed_rad_s, stalls_s, limits, arrival_s }: Delays, pictureRate_hz: number) {
  const dt_s = 1 / pictureRate_hz;
  const shown = player();
  const seen = { pictures: 0, frozen: 0, speed_ratio: 0, late_s: 0, longest_s: 0, settled_s: 0, discarded: 0 };
  let [next, before, beforeMedia_s] = [0, turned(0), 0];
  for (let now_s = 0; now_s < 60; now_s += dt_s) {
    for (; next < arrival_s.length && arrival_s[next]! <= now_s; next++) {
      const angle = motion.amplitude_rad * Math.sin((2 * Math.PI * motion.frequency_hz * next) / 30);
      shown.push(frame(next, { angle }), arrival_s[next]!);
    }
    const quat = shown.update(now_s).quat_xyzw.slice();
    if (now_s > 1) {
      seen.pictures++;
      const turnedBy = angleBetween(before, quat);
      seen.speed_ratio = Math.max(seen.speed_ratio, turnedBy / dt_s / max_speed_rad_s);
      if (turnedBy < 1e-5 || shown.mediaTime_s! - beforeMedia_s < 0.1 * dt_s) seen.frozen++; // crawling counts as standing
    }
    [before, beforeMedia_s] = [quat, shown.mediaTime_s ?? 0];
    seen.longest_s = Math.max(seen.longest_s, shown.delay_s(now_s));
    const recovered = stalls_s.some(([, end_s]) => now_s >= end_s + limits.recovery_s && now_s - dt_s < end_s + limits.recovery_s);
    if (recovered) seen.late_s = Math.max(seen.late_s, shown.delay_s(now_s) - shown.clock.delay_s);
  }
  return { ...seen, settled_s: shown.clock.delay_s, discarded: shown.buffer.discarded };
}

describe("a bad network", () => {
  const told = json<Delays>("delays.json");

  it.each([60, 30, 144])("is not seen at %d pictures a second", (rate_hz) => {
    const seen = throughBadNetwork(told, rate_hz);
    console.info(`delays.json at ${rate_hz} pictures a second: ${JSON.stringify(seen)}`);
    expect(seen.speed_ratio).toBeLessThanOrEqual(told.limits.speed_ratio);
    expect(seen.speed_ratio).toBeGreaterThan(0.9); // it moved
    expect(seen.frozen / seen.pictures).toBeLessThanOrEqual(told.limits.frozen_share);
    expect(seen.late_s).toBeLessThan(0.02);
    expect(seen.longest_s).toBeGreaterThan(0.2); // the stalls were felt
    expect(seen.settled_s).toBeLessThan(0.12);
    expect(seen.discarded).toBe(0);
  });
});

describe("player", () => {
  it("cross-fades into a new epoch instead of jumping", () => {
    const shown = player();
    const at = (k: number): number => 50 + k / 30;
    for (let k = 0; k < 10; k++) shown.push(frame(k, { x: 0 }), at(k));
    shown.update(at(9.5));
    expect(shown.push(frame(10, { x: 1, epoch: 1 }), at(10))).toBe(true);
    const path = [0, 0.05, 0.1, 0.2].map((later) => shown.update(at(10) + later).root_m[0]!);
    expect(path[0]).toBeCloseTo(0, 5);
    expect(path[1]).toBeGreaterThan(0);
    expect(path[1]).toBeLessThan(path[2]!);
    expect(path[3]).toBeCloseTo(1, 5);
  });

  it("follows the audio clock while there is one", () => {
    const shown = player();
    for (let k = 0; k < 30; k++) shown.push(frame(k), 50 + k / 30);
    shown.update(51, 0.5);
    expect(shown.mediaTime_s).toBe(0.5);
    expect(shown.update(52, 0.5).root_m[0]).toBeCloseTo(15, 4);
  });

  it("skips ahead of a sound that lags by more than the buffer holds", () => {
    const shown = player();
    for (let k = 0; k < 120; k++) shown.push(frame(k), 50 + k / 30);
    shown.update(54, 1);
    shown.update(54.5, 1);
    expect(shown.mediaTime_s).toBeCloseTo(119 / 30, 5);
  });

  it("keeps what is on screen through a reconnect and fades into what comes", () => {
    const shown = player();
    for (let k = 0; k < 10; k++) shown.push(frame(k, { x: 0 }), 50 + k / 30);
    shown.update(50.3);
    shown.restart(51);
    expect(shown.update(51.5).root_m[0]).toBe(0);
    shown.restart(52);
    shown.push(frame(700, { x: 1 }), 52);
    expect(shown.update(52).root_m[0]).toBeCloseTo(0, 5);
    expect(shown.update(52.2).root_m[0]).toBeCloseTo(1, 5);
  });
});
