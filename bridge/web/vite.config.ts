import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  resolve: { alias: { "@gesturestream/client": fileURLToPath(new URL("packages/client/src/index.ts", import.meta.url)) } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // a data: URL would need a laxer Content-Security-Policy (the audio worklet is an asset)
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { "/v1": { target: "ws://127.0.0.1:8765", ws: true } } },
});
