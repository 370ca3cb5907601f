// Builds dist/ from src/: scripts and styles with esbuild, pages and pictures as they are. The same sources and lock give the
// same bytes. dist/build.json holds a fingerprint of the sources and of each file, which a test compares without Node.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

// Name in dist/ → source. What does not exist yet is left out.
const SCRIPTS = {
  app: "src/app/main.tsx",
  widget: "src/widget/widget.ts",
  embed: "src/widget/embed.ts",
  admin: "src/admin/main.tsx",
};
const STYLES = { app: "src/styles/app.css", embed: "src/widget/embed.css", admin: "src/admin/admin.css" };
const COPIED = "src/pages"; // *.html, *.svg
const INPUTS = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src"];
const BUNDLED = ["dompurify", "marked", "preact"];
const DIST = "dist";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const exists = (path) => statSync(path, { throwIfNoEntry: false }) !== undefined;
const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, source]) => exists(source)));

/** All files at or below a path, in the order of their names. */
function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => filesOf(`${path}/${name}`));
}

/** One hash over path and contents of every source, in the order of their paths. */
function fingerprint() {
  const lines = INPUTS.flatMap(filesOf).map((path) => `${sha256(readFileSync(path))}  ${path}\n`);
  return sha256(lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(""));
}

function licenses() {
  const parts = BUNDLED.map((name) => {
    const folder = join("node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).sort().find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} comes without a licence file: say where it is in build.mjs`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8").replace(/[ \t]+$/gm, "").trim()}\n`;
  });
  return parts.join(`\n${"-".repeat(72)}\n\n`);
}

// Taken before the build: a source that changes meanwhile makes dist/ look stale, as it is.
const sources = fingerprint();
const options = {
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "esm",
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  legalComments: "none",
  logLevel: "warning",
  outdir: DIST,
  write: false,
};
const scripts = await build({ ...options, entryPoints: present(SCRIPTS) });
const styles = await build({ ...options, entryPoints: present(STYLES) });

mkdirSync(DIST, { recursive: true });
const made = new Map([...scripts.outputFiles, ...styles.outputFiles].map((file) => [basename(file.path), file.contents]));
for (const path of filesOf(COPIED)) made.set(basename(path), readFileSync(path));
made.set("licenses.txt", Buffer.from(licenses()));
for (const name of readdirSync(DIST)) if (!made.has(name)) rmSync(join(DIST, name));
for (const [name, contents] of made) writeFileSync(join(DIST, name), contents);

const files = Object.fromEntries([...made].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, contents]) => [name, sha256(contents)]));
writeFileSync(join(DIST, "build.json"), `${JSON.stringify({ sources, files }, null, 1)}\n`);
for (const [name, contents] of made) console.error(`${DIST}/${name}  ${(contents.length / 1000).toFixed(1)} kB`);
