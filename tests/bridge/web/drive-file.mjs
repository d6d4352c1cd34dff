// Plays files in the viewer, interrupts, and lets the server restart while one plays. Prints `restart` when it wants
// that, and at the end one line of JSON.
//
//   node drive-file.mjs URL SPEECH.wav
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { drop, inBrowser, press, wait, WAIT_MS } from "./browser.mjs";

const LISTEN = fileURLToPath(new URL("listen.js", import.meta.url));
const PLAYED_S = 4;

/** Waits until the newest session has played so much of its file, and tells what it has seen (`listen.js`). */
async function heard(page, seconds) {
  await wait(page, (s) => {
    const { sources, mode } = window.log.sessions.at(-1);
    return mode === "agent" && sources.length > 0 && window.log.context.currentTime > sources[0].when_s + s;
  }, seconds);
  return page.evaluate(() => ({ ...window.log.sessions.at(-1), rate: window.log.context.sampleRate }));
}

/** Media time on screen less media time heard, for every picture drawn while a piece of the file sounded, seconds. */
function outOfStep({ sources, resumed, pictures, rate }) {
  const [{ media_time_s, sample }] = resumed;
  const zero_s = media_time_s - sample / rate - sources[0].at_s;
  return pictures.filter(({ mediaTime_s }) => mediaTime_s !== null).flatMap((picture) => {
    const time_s = picture.context_s - picture.latency_s;
    const piece = sources.find(({ when_s, end_s }) => when_s <= time_s && time_s < end_s);
    return piece ? [picture.mediaTime_s - (zero_s + piece.at_s + time_s - piece.when_s)] : [];
  });
}

async function playAndInterrupt(page, speech) {
  await page.setInputFiles("#file", speech);
  const playing = await heard(page, PLAYED_S);
  const headline = await page.textContent("#headline");
  const travel_m = await page.evaluate(() => window.gesturestream.wristTravel_m);
  const index = await page.evaluate(() => window.log.sessions.length - 1);
  await press(page, "#interrupt");
  await wait(page, () => window.gesturestream.role !== "file");
  const { risen_s, pictures } = await page.evaluate((i) => window.log.sessions[i], index);
  const after = pictures.filter(({ role, time_s, epoch }) => role === "file" && time_s > risen_s && epoch !== null);
  return { headline, travel_m, steps_s: outOfStep(playing), epochsAfterInterrupt: [...new Set(after.map(({ epoch }) => epoch))] };
}

async function refuse(page) {
  await drop(page, "notes.txt", "text/plain", Buffer.from("this is no sound"));
  await wait(page, () => !document.querySelector("#problem").hidden);
  return page.textContent("#problem");
}

/** Two files, the second dropped while the first plays; the server restarts under the second. */
async function playThroughRestart(page, bytes) {
  await drop(page, "first.wav", "audio/wav", bytes);
  await wait(page, () => window.log.sessions.at(-1).mode === "agent");
  await drop(page, "second.wav", "audio/wav", bytes);
  await wait(page, () => document.querySelector("#headline").textContent.includes("second.wav"));
  await heard(page, 1);
  const before = await page.evaluate(() => window.log.sessions.length);
  console.log("restart");
  await wait(page, (count) => window.log.sessions.length > count, before);
  const resumed = await heard(page, 1.5);
  return { headline: await page.textContent("#headline"), from_s: resumed.sources[0].at_s, steps_s: outOfStep(resumed) };
}

const [url, speech] = process.argv.slice(2);
await inBrowser(async (page) => {
  await page.addInitScript({ path: LISTEN });
  await page.goto(url, { waitUntil: "commit", timeout: WAIT_MS });
  await wait(page, () => window.log.sessions.at(-1)?.pictures.length > 10);
  const first = await playAndInterrupt(page, speech);
  const problem = await refuse(page);
  const second = await playThroughRestart(page, readFileSync(speech));
  const { badMessages, errors } = await page.evaluate(() => ({ ...window.gesturestream }));
  return { first, problem, second, badMessages, errors };
}, { viewport: { width: 240, height: 160 } });
