// Opens the viewer in Debian's chromium with a recording as its microphone and tells, as one line of JSON, what moved.
//
//   node drive.mjs URL SPEECH.wav SCREENSHOT.png [SPEECH_SECONDS]
import { inBrowser, press, wait, WAIT_MS } from "./browser.mjs";

const IDLE_S = 3;
const SETTLE_S = 1.5;

const microphone = (speech) => [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${speech}`,
];

const read = (page) =>
  page.evaluate(() => {
    const { role, frames, fps, wristTravel_m, newest_s, mediaTime_s, epoch, badMessages, errors } = window.gesturestream;
    const { left_wrist, right_wrist } = window.gesturestream.joints("left_wrist", "right_wrist");
    return { role, frames, fps, wristTravel_m, newest_s, mediaTime_s, epoch, badMessages, errors, left_wrist, right_wrist };
  });

/** Follows the session for some seconds of media time: wrist speed over the frames received, spread of what is drawn. */
async function watch(page, seconds) {
  const first = await read(page);
  const drawn = [first];
  while (drawn.at(-1).newest_s < first.newest_s + seconds) {
    await page.waitForTimeout(50);
    drawn.push(await read(page));
  }
  const last = drawn.at(-1);
  const duration_s = last.newest_s - first.newest_s;
  return {
    duration_s,
    frames: last.frames - first.frames,
    wrist_speed_m_s: (last.wristTravel_m - first.wristTravel_m) / duration_s / 2,
    drawn_spread_m: Math.max(spread(drawn.map((state) => state.left_wrist)), spread(drawn.map((state) => state.right_wrist))),
  };
}

const spread = (points) => Math.max(...points.map((p) => Math.hypot(...p.map((value, i) => value - points[0][i]))));

async function drive(page, url, screenshot, speechSeconds) {
  await page.goto(url, { waitUntil: "commit", timeout: WAIT_MS });
  await wait(page, () => window.gesturestream?.newest_s > 1);
  const idle = await watch(page, IDLE_S);
  await press(page, "#microphone");
  await wait(page, () => window.gesturestream.role === "microphone" && window.gesturestream.newest_s !== null);
  await wait(page, (s) => window.gesturestream.newest_s > s, SETTLE_S);
  const speech = await watch(page, speechSeconds);
  const headline = await page.textContent("#headline");
  await page.screenshot({ path: screenshot, timeout: WAIT_MS });
  await press(page, "#interrupt");
  await wait(page, () => window.gesturestream.epoch === 1);
  return { headline, idle, speech, ...(await read(page)) };
}

const [url, speech, screenshot, seconds = "9"] = process.argv.slice(2);
await inBrowser((page) => drive(page, url, screenshot, Number(seconds)), { flags: microphone(speech) });
