// The viewer as a client of the table in benchmarks/results/clients.json: a recording as its microphone, for some seconds.
// Writes what arrived and what was shown (trace.js, benchmarks/watching.py), and tells the counts as one line of JSON.
//
//   node trace.mjs URL SECONDS TRACE SPEECH.wav [INTERRUPT_EVERY_S]      SPEECH `-`: it only looks on
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inBrowser, press, wait, WAIT_MS } from "./browser.mjs";

const [url, seconds, path, speech, interruptEvery_s = "0"] = process.argv.slice(2);
const FLAGS = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${speech}`];

await inBrowser(async (page) => {
  await page.addInitScript({ path: fileURLToPath(new URL("trace.js", import.meta.url)) });
  await page.goto(url, { waitUntil: "commit", timeout: WAIT_MS });
  await wait(page, () => window.gesturestream?.newest_s > 0.3);
  if (speech !== "-") {
    await press(page, "#microphone");
    await wait(page, () => window.gesturestream.role === "microphone" && window.gesturestream.newest_s !== null);
  }
  await page.evaluate(() => window.trace.begin());
  console.log("begun");
  const every_ms = 1000 * Number(interruptEvery_s);
  const timer = every_ms > 0 && setInterval(() => press(page, "#interrupt").catch(() => {}), every_ms);
  await page.waitForTimeout(1000 * Number(seconds));
  clearInterval(timer);
  const { base64, ...counts } = await page.evaluate(() => window.trace.end());
  writeFileSync(path, Buffer.from(base64, "base64"));
  return counts;
}, { flags: speech === "-" ? [] : FLAGS, viewport: { width: 240, height: 160 }, bypassCSP: true }); // the kit's servers are no page's own
