import { describe, expect, it } from "vitest";
import { address, token } from "../src/app/address";
import { closeInWords, mayRetry, retryDelay_s } from "../src/protocol/backoff";
import { ServerClock } from "../src/protocol/clock";
import { headline } from "../src/ui/words";

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
    for (const code of [4400, 4401, 4403, 4409]) expect(mayRetry(code)).toBe(false);
  });

  it("waits longer each time, bounded, with jitter", () => {
    expect(retryDelay_s(0, () => 0)).toBe(0.25);
    expect(retryDelay_s(3, () => 1)).toBe(4);
    expect(retryDelay_s(50, () => 1)).toBe(8);
  });

  it("says what to do", () => {
    expect(closeInWords(4401, "")).toContain("#token=");
    expect(closeInWords(1006, "")).toContain("Is gesturestream running?");
  });
});

describe("address", () => {
  const page = (url: string): Location => new URL(url) as unknown as Location;

  it("is the page's own host, secure where the page is", () => {
    expect(address(page("https://avatars.example/"))).toBe("wss://avatars.example/v1/stream");
    expect(address(page("http://localhost:5173/?server=127.0.0.1:8765"))).toBe("ws://127.0.0.1:8765/v1/stream");
  });

  it("takes the token from the fragment", () => {
    expect(token(page("http://localhost/#token=a%2Bb"))).toBe("a+b");
    expect(token(page("http://localhost/#secret"))).toBe("secret");
    expect(token(page("http://localhost/"))).toBeNull();
  });
});

describe("headline", () => {
  it("says what runs", () => {
    const names = { name: "local", generator: "emage", fileName: "hello.wav" };
    expect(headline("microphone", names).title).toBe("Listening to your microphone");
    expect(headline("file", names).title).toBe("Speaking hello.wav");
    expect(headline("watch", { ...names, serverMicrophone: true }).title).toContain("server's microphone");
  });
});
