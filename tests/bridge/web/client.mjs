// The npm package as it is published (packages/client/dist), with a real WebSocket, against a server of the kit.
// Prints what it saw as one line of JSON, as soon as it has seen what it waits for (`reached`), or a minute later.
//
//   node client.mjs PORT OPENING UNTIL      the last two as JSON
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const WEB = new URL("../../../bridge/web/", import.meta.url);
const { GestureClient, now_s, Player } = await import(new URL("packages/client/dist/index.js", WEB));
const WebSocket = globalThis.WebSocket ?? createRequire(fileURLToPath(new URL("package.json", WEB)))("ws").WebSocket;

const [port, opening, until] = process.argv.slice(2, 5).map((text) => JSON.parse(text));
const PATIENCE_S = 60;
const PICTURE_MS = 1000 / 60;
const LEFT_SHOULDER = 16;
const seen = { links: [], readies: 0, ready: null, epochs: [], voice: 0, events: {}, errors: [], pictures: 0, raised: 0, notFinite: 0, fastest: 0, frozen: 0, offset_s: null };
const player = new Player();

const client = new GestureClient(
  { url: `ws://127.0.0.1:${port}/v1/stream`, WebSocket },
  {
    onLink: (link) => seen.links.push(link),
    onReady(ready) {
      seen.readies++;
      seen.ready = ready;
      player.restart(now_s());
    },
    onPose(frame, arrival_s) {
      player.push(frame, arrival_s);
      if (seen.epochs.at(-1) !== player.buffer.epoch) seen.epochs.push(player.buffer.epoch);
    },
    onAudio: () => seen.voice++,
    onEvent: ({ name }) => (seen.events[name] = (seen.events[name] ?? 0) + 1),
    onError: ({ code }) => seen.errors.push(code),
    played_s: () => player.mediaTime_s,
  },
);

/** Angle that a rotation turns by, radians. */
const angle = (q, at) => 2 * Math.atan2(Math.hypot(q[at], q[at + 1], q[at + 2]), Math.abs(q[at + 3]));

let [last, last_s] = [null, 0];
function picture() {
  const time_s = now_s();
  const { quat_xyzw, root_m } = player.update(time_s);
  if (player.mediaTime_s === null) return;
  seen.pictures++;
  if (![...quat_xyzw, ...root_m].every(Number.isFinite)) seen.notFinite++;
  if (angle(quat_xyzw, 4 * LEFT_SHOULDER) > 1.2) seen.raised++; // what must never be seen is posed so
  const now = quat_xyzw.slice(4 * LEFT_SHOULDER, 4 * LEFT_SHOULDER + 4);
  if (last) {
    const dot = Math.min(1, Math.abs(now.reduce((sum, c, i) => sum + c * last[i], 0)));
    const turned = 2 * Math.acos(dot);
    if (turned === 0) seen.frozen++;
    seen.fastest = Math.max(seen.fastest, turned / Math.max(time_s - last_s, 0.004));
  }
  [last, last_s] = [now, time_s];
}

/** UNTIL: least number of each count, and the link to end with, e.g. {"frames": 60, "link": "live"}. */
function reached() {
  const { frames, malformed } = client.counts;
  const now = { frames, malformed, readies: seen.readies, epochs: seen.epochs.length, pictures: seen.pictures, pongs: client.clock?.roundTrip_s == null ? 0 : 1 };
  return Object.entries(until).every(([name, least]) => (name === "link" ? seen.links.at(-1)?.state === least : now[name] >= least));
}

function end() {
  clearInterval(timer);
  seen.offset_s = client.clock?.toServer(0) ?? null;
  client.close();
  const { discarded } = player.buffer;
  console.log(JSON.stringify({ ...seen, links: seen.links.map(({ state }) => state), counts: client.counts, discarded, underruns: player.underruns, playing_s: player.mediaTime_s }));
}

client.open(opening);
const began_s = now_s();
const timer = setInterval(() => {
  picture();
  if (reached() || now_s() - began_s > PATIENCE_S) end();
}, PICTURE_MS);
