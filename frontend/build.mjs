// Bundles the browser's code and style into src/seawall/ui/static/build: minified, named by content, with a brotli twin
// of each file, and a manifest (source name → built name) that ui/assets.py reads.
import { build } from "esbuild";
import { brotliCompressSync, constants } from "node:zlib";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const out = new URL("../src/seawall/ui/static/build/", import.meta.url).pathname;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const common = {
  outdir: out,
  entryNames: "[name].[hash]",
  chunkNames: "[name].[hash]",
  assetNames: "[name].[hash]",
  publicPath: "/static/build/",
  bundle: true,
  minify: true,
  target: ["chrome109", "firefox115", "safari16"],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  absWorkingDir: new URL(".", import.meta.url).pathname,
};
// The fallback for out-of-order panels stands alone: it must run before anything else has come. Islands are built first, so
// that the page's script knows their addresses; no chunk is shared, because each further file costs a request and its headers.
const islands = await build({ ...common, entryPoints: { ask: "src/ask.js", charts: "src/charts.js", detail: "src/detail.js", problems: "src/problems.js", table: "src/table.js", vitals: "src/vitals.js", zoom: "src/zoom.js" }, format: "esm", loader: { ".css": "file" } });
const addresses = {};
for (const [path, output] of Object.entries(islands.metafile.outputs)) {
  if (output.entryPoint?.endsWith(".js")) addresses[basename(output.entryPoint, ".js")] = `/static/build/${basename(path)}`;
}
const results = [
  islands,
  await build({ ...common, entryPoints: ["src/stream.js", "src/first.js"], format: "iife" }),
  await build({ ...common, entryPoints: ["../src/seawall/ui/static/seawall.css"] }),
  await build({ ...common, entryPoints: ["src/seawall.js"], format: "esm", define: { ISLANDS: JSON.stringify(addresses) } }),
];

const manifest = {};
for (const [path, output] of results.flatMap((result) => Object.entries(result.metafile.outputs))) {
  if (output.entryPoint) manifest[basename(output.entryPoint)] = basename(path);
}
const icon = readFileSync(new URL("../src/seawall/ui/static/icon.svg", import.meta.url));
manifest["icon.svg"] = `icon.${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
writeFileSync(join(out, manifest["icon.svg"]), icon);
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 1) + "\n");
for (const name of readdirSync(out).filter((name) => /\.(js|css|svg)$/.test(name))) {
  const plain = readFileSync(join(out, name));
  const packed = brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } });
  writeFileSync(join(out, `${name}.br`), packed);
  console.log(`${name.padEnd(32)} ${String(plain.length).padStart(7)} B  ${String(packed.length).padStart(6)} B brotli`);
}
