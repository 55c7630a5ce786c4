// node tools/draw-first-start.mjs: draws docs/pictures/first-start*.svg from what a first start really prints.
// Run it after `npm run build`, whenever that text changes. Address, folder and secrets are replaced: a picture is public.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./prepare.mjs";

const COLUMNS = 100;
const CELL = { width: 8.4, height: 20 };
const MARGIN = 24;
const BAR = 36;
/** Characters that take two cells of a terminal. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
const WIDE_RUNS = new RegExp(`(?:${WIDE.source})+|(?:(?!${WIDE.source})[^])+`, "g");

const widthOf = (text) => [...text].reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);
const escaped = (text) => text.replace(/[&<>]/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[mark]);

/** Starts Maidan on an empty folder, with nothing of this machine's environment, and returns what it prints. */
async function printedByFirstStart(language) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "maidan-picture-")));
  const data = join(folder, "maidan-data");
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [join(root, "dist/main.js"), "start", "--port", "0"], {
    cwd: folder,
    env: { PATH, HOME, MAIDAN_LANG: language },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let text = "";
    for await (const chunk of child.stdout) {
      text += chunk;
      if (/\n {2}curl [^\n]*\n/.test(text)) break;
    }
    return text
      .replaceAll(data, "./maidan-data")
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:4000")
      .replaceAll(/\b(m[ak]-)[\w-]{20,}/g, (_, kind) => (kind === "ma-" ? "ma-7rQ…dZc" : "mk-4Xn…tB8"));
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines as a terminal of `COLUMNS` shows them. */
function wrap(line) {
  const lines = [""];
  for (const character of line) {
    if (widthOf(lines.at(-1) + character) > COLUMNS) lines.push("");
    lines[lines.length - 1] += character;
  }
  return lines;
}

/** One line as runs of one width, each put on its column: the picture stays aligned in any font. */
function drawLine(line, row, kind) {
  let column = 0;
  const spans = [];
  for (const [part] of line.matchAll(WIDE_RUNS)) {
    for (const [piece] of part.matchAll(/✓|[^✓]+/g)) {
      const width = widthOf(piece);
      const x = (MARGIN + column * CELL.width).toFixed(1);
      const length = (width * CELL.width).toFixed(1);
      const style = piece === "✓" ? ' class="ok"' : "";
      if (piece.trim() !== "") {
        spans.push(
          `<tspan x="${x}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${style}>${escaped(piece)}</tspan>`,
        );
      }
      column += width;
    }
  }
  const y = BAR + MARGIN + row * CELL.height;
  return `<text y="${y}" xml:space="preserve"${kind ? ` class="${kind}"` : ""}>${spans.join("")}</text>`;
}

function draw(text, title) {
  const lines = text.trim().split("\n");
  const rows = [`$ npm start`, "", ...lines].flatMap((line) => {
    const kind = /^Maidan/.test(line) ? "strong" : /^\$|^ {2}curl/.test(line) ? "typed" : "";
    return wrap(line).map((part) => ({ part, kind }));
  });
  const width = Math.round(COLUMNS * CELL.width + 2 * MARGIN);
  const height = BAR + MARGIN + rows.length * CELL.height + 8;
  const drawn = rows
    .map(({ part, kind }, row) => (part.trim() === "" ? "" : drawLine(part, row, kind)))
    .filter(Boolean);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>
  .back { fill: #fbfaf7; stroke: #d5d0c4 }
  .dot { fill: #d5d0c4 }
  text { fill: #2b2a27; font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  .strong { font-weight: 700 }
  .typed { fill: #8a4b08 }
  .ok { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #16181d; stroke: #3a3f4a }
    .dot { fill: #3a3f4a }
    text { fill: #d9dce3 }
    .typed { fill: #f0b46a }
    .ok { fill: #57c46f }
  }
</style>
<rect class="back" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>
<circle class="dot" cx="24" cy="20" r="6"/><circle class="dot" cx="44" cy="20" r="6"/><circle class="dot" cx="64" cy="20" r="6"/>
${drawn.join("\n")}
</svg>
`;
}

const folder = join(root, "docs/pictures");
mkdirSync(folder, { recursive: true });
const english = await printedByFirstStart("en");
writeFileSync(join(folder, "first-start.svg"), draw(english, "What the first npm start prints"));
const chinese = await printedByFirstStart("zh");
writeFileSync(join(folder, "first-start.zh-CN.svg"), draw(chinese, "首次 npm start 的输出"));
