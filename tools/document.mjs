// Writes the pages of the documentation that are made from the source: docs/errors.md, and the reference of docs/cli.md.
import { readFileSync, writeFileSync } from "node:fs";
import "./typescript.mjs";

const docs = (name) => new URL(`../docs/${name}`, import.meta.url);
const { commandLinePage, errorsPage } = await import("./pages.ts");
writeFileSync(docs("errors.md"), errorsPage());
writeFileSync(docs("cli.md"), commandLinePage(readFileSync(docs("cli.md"), "utf8")));
