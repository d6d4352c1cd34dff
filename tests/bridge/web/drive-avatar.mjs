// Drops avatars on the viewer and tells, as one line of JSON, what is worn and where its hands are.
//
//   node drive-avatar.mjs URL [PICTURES]      with a folder for PICTURES the scene is really painted, which takes minutes
import { fileURLToPath } from "node:url";
import { humanoidFile } from "../../../bridge/web/test/humanoid-file.mjs";
import { drop, inBrowser, press, wait, WAIT_MS } from "./browser.mjs";

const [url, pictures] = process.argv.slice(2);
const ARKIT = ["eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthPucker", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight", "browInnerUp", "mouthStretchLeft", "mouthStretchRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeWideLeft", "eyeWideRight", "browDownLeft", "browDownRight", "mouthFrownLeft", "mouthFrownRight", "mouthClose"];

async function picture(page, name) {
  if (!pictures) return;
  await page.waitForTimeout(3000);
  await page.screenshot({ path: `${pictures}/${name}.png`, timeout: WAIT_MS });
}

/** Drops a file and waits until it is on the stage and has been posed. */
async function wear(page, name, options) {
  const before = await page.evaluate(() => window.gesturestream.worn);
  await drop(page, name, "model/gltf-binary", humanoidFile(options));
  await wait(page, (last) => window.gesturestream.worn !== last, before);
  const worn = await page.evaluate(() => window.gesturestream.worn);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await picture(page, name);
  return { worn, chip: await page.textContent("#wearing"), ...(await hands(page)) };
}

const hands = (page) => page.evaluate(() => window.gesturestream.joints("head", "left_wrist", "right_wrist", "left_foot", "left_ankle"));

async function refused(page, name, bytes) {
  const before = await page.evaluate(() => window.gesturestream.errors.length);
  await drop(page, name, "model/gltf-binary", bytes);
  await wait(page, (count) => window.gesturestream.errors.length > count, before);
  return { problem: await page.textContent("#problem"), worn: await page.evaluate(() => window.gesturestream.worn) };
}

await inBrowser(async (page) => {
  if (!pictures) await page.addInitScript({ path: fileURLToPath(new URL("listen.js", import.meta.url)) });
  const scripts = [];
  page.on("response", (response) => response.url().endsWith(".js") && scripts.push(response.url()));
  await page.goto(url, { waitUntil: "commit", timeout: WAIT_MS });
  await wait(page, () => window.gesturestream?.newest_s > 1);
  await picture(page, "built-in");
  const loadedAtFirst = scripts.length;
  const builtIn = await hands(page);
  const bad = await refused(page, "notes.vrm", Buffer.from("this is no avatar"));
  const vrm1 = await wear(page, "one.vrm", { format: "vrm1", morphs: "arkit", arkitNames: ARKIT });
  const loadedForAvatars = scripts.length - loadedAtFirst;
  const still = await refused(page, "foreign.glb", humanoidFile({ format: "glb", names: "foreign" }));
  const vrm0 = await wear(page, "zero.vrm", { format: "vrm0" });
  const glb = await wear(page, "mixamo.glb", { format: "glb", names: "mixamo", armsDown: 45, armature: 0.01 });
  await press(page, "#undress");
  await wait(page, () => window.gesturestream.worn === null);
  const { badMessages } = await page.evaluate(() => ({ ...window.gesturestream }));
  return { builtIn, bad, vrm1, still, vrm0, glb, back: await hands(page), loadedForAvatars, badMessages };
}, { viewport: pictures ? { width: 960, height: 640 } : { width: 240, height: 160 } });
