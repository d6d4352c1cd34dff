import { describe, expect, it } from "vitest";
import { closeInWords, decodeAudio, decodeHeader, encodeS16, mayRetry, retryDelay_s, ServerClock } from "../src/index.js";
import { binary } from "./kit.js";

describe("server clock", () => {
  it("believes the exchange with the shortest round trip", () => {
    const clock = new ServerClock(4);
    const exchange = (t0: number, out_s: number, back_s: number) => clock.observe(t0, t0 + 1000 + out_s, t0 + 1000 + out_s, t0 + out_s + back_s);
    exchange(1, 0.2, 0.01);
    exchange(2, 0.001, 0.001);
    exchange(3, 0.01, 0.3);
    expect(clock.toServer(5)).toBeCloseTo(1005, 6);
    expect(clock.roundTrip_s).toBeCloseTo(0.002, 6);
  });

  it("forgets old exchanges, and knows nothing before the first", () => {
    const clock = new ServerClock(2);
    expect(clock.toServer(1)).toBeNull();
    clock.observe(0, 5, 5, 0.001);
    clock.observe(1, 11, 11, 1.5);
    clock.observe(2, 12, 12, 2.5);
    expect(clock.toServer(0)).toBeCloseTo(9.75, 6);
  });
});

describe("reconnecting", () => {
  it("retries what may mend itself and nothing else", () => {
    for (const code of [1001, 1006, 1011, 4429, 4430]) expect(mayRetry(code)).toBe(true);
    for (const code of [1000, 4400, 4401, 4403, 4409]) expect(mayRetry(code)).toBe(false);
  });

  it("waits longer each time, bounded, with jitter, and never less than the server asks", () => {
    expect(retryDelay_s(0, 0, () => 0)).toBe(0.25);
    expect(retryDelay_s(3, 0, () => 1)).toBe(4);
    expect(retryDelay_s(50, 0, () => 1)).toBe(8);
    expect(retryDelay_s(0, 3, () => 1)).toBe(3);
  });

  it("says what to do", () => {
    expect(closeInWords(4401)).toContain("#token=");
    expect(closeInWords(1006)).toContain("Is gesturestream running?");
  });
});

describe("audio", () => {
  it("goes out as 16-bit PCM, clipped, and comes back", () => {
    const head = binary("messages/audio_empty.bin");
    const body = new Uint8Array(encodeS16(Float32Array.of(0, 0.5, -0.5, 2, -2, Number.NaN)));
    const message = new DataView(Uint8Array.of(...new Uint8Array(head.buffer, head.byteOffset, head.byteLength), ...body).buffer);
    const { pcm } = decodeAudio(message, decodeHeader(message), { rate: 16000, format: "s16le" });
    [0, 0.5, -0.5, 1, -1, 0].forEach((value, i) => expect(pcm[i]).toBeCloseTo(value, 3));
  });
});
