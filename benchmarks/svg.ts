import { KIND_NAMES, KINDS } from "./cases.ts";
import { caseName, middle, perSecond, type Run } from "./run.ts";

const WIDTH = 720;
const LABEL = 150;
const ROW = 20;
const COLOURS: Readonly<Record<string, string>> = { floor: "#9aa5b1", maidan: "#c2410c", portkey: "#3b6ea5" };

/** Requests a second of every case as bars, each case to its own scale: the ratios are what counts. */
export function drawBars(run: Run): string {
  const parts: string[] = [];
  let y = 28;
  const text = (x: number, label: string, weight = "normal"): void => {
    parts.push(`<text x="${x}" y="${y}" font-weight="${weight}">${label}</text>`);
  };
  for (const kind of KINDS.filter((one) => run.cases.some((each) => each.kind === one))) {
    text(12, KIND_NAMES[kind], "bold");
    y += ROW;
    for (const one of run.cases.filter((each) => each.kind === kind)) {
      const values = run.names.map((gateway) => middle(run, caseName(one), gateway, perSecond));
      const most = Math.max(...values);
      run.names.forEach((gateway, place) => {
        const width = Math.max(1, (values[place]! / most) * (WIDTH - LABEL - 110));
        text(12, `${place === 0 ? `${one.connections} ×` : ""}`);
        text(60, gateway);
        const colour = COLOURS[gateway] ?? "#555";
        parts.push(`<rect x="${LABEL}" y="${y - 12}" width="${width.toFixed(1)}" height="14" fill="${colour}"/>`);
        text(LABEL + width + 6, `${values[place]!.toFixed(0)}/s`);
        y += ROW;
      });
      y += 6;
    }
    y += 10;
  }
  const style = "font-family: system-ui, sans-serif; font-size: 13px; fill: #222";
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"><title>Requests a second</title><rect width="100%" height="100%" fill="#fff"/><g style="${style}">${parts.join("")}</g></svg>\n`;
}
