import { CLOSE } from "./protocol.generated.js";

const FORBIDDEN = 4403; // Origin or Host not allowed
/** Close codes that no retry can mend: bad request, token, origin, version; and a normal close. */
const FINAL_CODES = new Set<number>([CLOSE.normal, CLOSE.invalid, CLOSE.token, FORBIDDEN, CLOSE.version]);

export function mayRetry(closeCode: number): boolean {
  return !FINAL_CODES.has(closeCode);
}

/** Exponential back-off with jitter: somewhere in the upper half of min(8 s, 0.5 s * 2^attempt), not before the server said. */
export function retryDelay_s(attempt: number, retryAfter_s = 0, random: () => number = Math.random): number {
  const ceiling = Math.min(8, 0.5 * 2 ** attempt);
  return Math.max(retryAfter_s, ceiling * (0.5 + 0.5 * random()));
}

/** What a person should do about a closed connection. */
export function closeInWords(code: number, reason = ""): string {
  const words: Record<number, string> = {
    [CLOSE.shutdown]: "The server is shutting down or restarting.",
    [CLOSE.internal]: "The server had an internal error. Reconnecting.",
    [CLOSE.invalid]: `The server did not accept the request${reason ? `: ${reason}` : ""}.`,
    [CLOSE.token]: "This server wants a token. Open the page with #token=YOUR_TOKEN at the end of its address.",
    [FORBIDDEN]: "The server refuses pages from this address. Start it with --allow-origin for this page.",
    [CLOSE.no_session]: "That session has ended.",
    [CLOSE.too_late]: "The server heard no first message in time.",
    [CLOSE.version]: "The server speaks another protocol version. Reload the page after updating it.",
    [CLOSE.audio_ahead]: "Too much audio was sent ahead of playback.",
    [CLOSE.busy]: "The server is full. Trying again soon.",
    [CLOSE.stalled]: "This page read too slowly. Reconnecting.",
  };
  return words[code] ?? "Cannot reach the server. Is gesturestream running? Trying again.";
}
