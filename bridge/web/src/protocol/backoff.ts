/** Close codes that no retry can mend: bad request, token, origin, version; and our own normal close. */
const FINAL_CODES = new Set([1000, 4400, 4401, 4403, 4409]);

export function mayRetry(closeCode: number): boolean {
  return !FINAL_CODES.has(closeCode);
}

/** Exponential back-off with full jitter: somewhere in the upper half of min(8 s, 0.5 s * 2^attempt). */
export function retryDelay_s(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(8, 0.5 * 2 ** attempt);
  return ceiling * (0.5 + 0.5 * random());
}

/** What a person should do about a closed connection. */
export function closeInWords(code: number, reason: string): string {
  const words: Record<number, string> = {
    4400: `The server did not accept the request${reason ? `: ${reason}` : ""}.`,
    4401: "This server wants a token. Open the page with #token=YOUR_TOKEN at the end of its address.",
    4403: "The server refuses pages from this address. Start it with --allow-origin for this page.",
    4404: "That session has ended.",
    4408: "The server heard no first message in time.",
    4409: "The server speaks another protocol version. Reload the page after updating it.",
    4413: "Too much audio was sent ahead of playback.",
    4429: "The server is full. Trying again soon.",
    4430: "This page read too slowly. Reconnecting.",
    1001: "The server is shutting down or restarting.",
    1011: "The server had an internal error. Reconnecting.",
  };
  return words[code] ?? "Cannot reach the server. Is gesturestream running? Trying again.";
}
