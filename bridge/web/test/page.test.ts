import { describe, expect, it } from "vitest";
import { address, token } from "../src/app/address";
import { headline } from "../src/ui/words";

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
