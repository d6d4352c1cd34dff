// What the Khronos validator says of a .glb file, as one line of JSON: node validate-glb.mjs FILE
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(fileURLToPath(new URL("../../../bridge/web/package.json", import.meta.url)));
const { validateBytes } = require("gltf-validator");

const { issues, info } = await validateBytes(new Uint8Array(readFileSync(process.argv[2])));
console.log(JSON.stringify({ issues, info }));
