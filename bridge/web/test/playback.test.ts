import { describe, expect, it } from "vitest";
import { FrameClock } from "../src/playback/frame-clock";
import { JitterBuffer } from "../src/playback/jitter";
import { Player } from "../src/playback/player";
import { restPose, slerp } from "../src/playback/pose";
import { FLAG, type PoseFrame } from "../src/protocol/decoder";

const turned = (radians: number): Float32Array => Float32Array.of(0, Math.sin(radians / 2), 0, Math.cos(radians / 2));

function frame(k: number, { epoch = 0, flags = 0, x = k } = {}): PoseFrame {
  const header = { kind: 1, headerBytes: 32, revision: 1, sequence: k, mediaTime_s: k / 30, serverTime_s: k / 30, epoch, flags };
  return { ...header, root_m: Float32Array.of(x, 0, 0), quat_xyzw: turned(0.01 * k), blendshapes: new Float32Array(0) };
}

const pose = () => restPose(1, 0, 0);

describe("slerp", () => {
  it("takes the shorter arc at constant speed and stays unit", () => {
    const out = new Float32Array(4);
    for (const t of [0, 0.25, 0.5, 1]) {
      slerp(turned(0.2), turned(1.4).map((c) => -c), t, out, 0);
      const expected = turned(0.2 + 1.2 * t);
      const side = Math.sign(out[3]! * expected[3]!);
      expected.forEach((c, i) => expect(side * out[i]!).toBeCloseTo(c, 5));
    }
  });
});

describe("jitter buffer", () => {
  it("orders by media time and interpolates between neighbours", () => {
    const buffer = new JitterBuffer();
    [0, 3, 1, 2].forEach((k) => buffer.push(frame(k)));
    const out = pose();
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

  it("drops older epochs, and everything before a new one, across the 16-bit wrap", () => {
    const buffer = new JitterBuffer();
    expect(buffer.push(frame(0, { epoch: 65535 }))).toBe(false);
    expect(buffer.push(frame(5, { epoch: 0 }))).toBe(true);
    expect(buffer.push(frame(6, { epoch: 65535 }))).toBe(false);
    expect([buffer.length, buffer.newest!.sequence, buffer.discarded]).toEqual([1, 5, 1]);
  });

  it("never holds more than its capacity", () => {
    const buffer = new JitterBuffer(0.5);
    for (let k = 0; k < 300; k++) buffer.push(frame(k));
    expect(buffer.length).toBeLessThanOrEqual(16);
    expect(() => new JitterBuffer(0.4)).toThrow("at least 0.5 s");
  });
});

describe("frame clock", () => {
  it("runs with the arrivals, a little behind, monotonic through jitter", () => {
    const clock = new FrameClock();
    let last = -1;
    for (let k = 0; k < 300; k++) {
      const arrival_s = 100 + k / 30 + 0.02 * Math.abs(Math.sin(k * 12.9898));
      clock.observe(k / 30, arrival_s);
      const media_s = clock.mediaTime_s(arrival_s)!;
      expect(media_s).toBeGreaterThan(last);
      expect(k / 30 - media_s).toBeLessThan(0.15);
      last = media_s;
    }
    expect(clock.delay_s).toBeGreaterThan(0.05);
  });
});

describe("player", () => {
  it("cross-fades into a new epoch instead of jumping", () => {
    const player = new Player(1, 0, 0);
    const at = (k: number): number => 50 + k / 30;
    for (let k = 0; k < 10; k++) player.push(frame(k, { x: 0 }), at(k));
    player.update(at(9.5), null);
    expect(player.push(frame(10, { x: 1, epoch: 1 }), at(10))).toBe(true);
    const path = [0, 0.05, 0.1, 0.2].map((later) => player.update(at(10) + later, null).root_m[0]!);
    expect(path[0]).toBeCloseTo(0, 5);
    expect(path[1]).toBeGreaterThan(0);
    expect(path[1]).toBeLessThan(path[2]!);
    expect(path[3]).toBeCloseTo(1, 5);
  });

  it("follows the audio clock while there is one", () => {
    const player = new Player(1, 0, 0);
    for (let k = 0; k < 30; k++) player.push(frame(k), 50 + k / 30);
    player.update(51, 0.5);
    expect(player.mediaTime_s).toBe(0.5);
    expect(player.update(52, 0.5).root_m[0]).toBeCloseTo(15, 4);
  });
});
