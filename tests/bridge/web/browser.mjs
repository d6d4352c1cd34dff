// What the drivers share: Debian's chromium on a machine without a graphics card, and patience with it.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(fileURLToPath(new URL("../../../bridge/web/package.json", import.meta.url)));
const { chromium } = require("playwright-core");

export const WAIT_MS = 120_000; // a software renderer on a busy machine compiles its shaders for half a minute

const FLAGS = [
  "--no-sandbox",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--autoplay-policy=no-user-gesture-required",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Opens a browser, gives its page to `use`, and tells what comes of it as one line of JSON. */
export async function inBrowser(use, { flags = [], viewport = { width: 640, height: 400 }, bypassCSP = false } = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, ...flags] });
  try {
    const page = await browser.newPage({ viewport, bypassCSP });
    const consoleErrors = [];
    page.on("pageerror", (error) => consoleErrors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && consoleErrors.push(message.text()));
    const seen = await use(page);
    console.log(JSON.stringify({ ...seen, consoleErrors }));
  } finally {
    await browser.close();
  }
}

export const wait = (page, condition, argument) => page.waitForFunction(condition, argument, { timeout: WAIT_MS, polling: 50 });

/** A click that does not wait for the picture to hold still: it never does. */
export const press = (page, selector) => page.$eval(selector, (button) => button.click());

/** Lets go of a file over the page. */
export async function drop(page, name, type, bytes) {
  const transfer = await page.evaluateHandle(
    ([name, type, base64]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
      return transfer;
    },
    [name, type, bytes.toString("base64")],
  );
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}
