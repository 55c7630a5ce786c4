// Writes the pages of the documentation that are made from the source: docs/errors.md, docs/vendors.md, and the reference of docs/cli.md.
import { readFileSync, writeFileSync } from "node:fs";
import "./typescript.mjs";

const docs = (name) => new URL(`../docs/${name}`, import.meta.url);
const { commandLinePage, errorsPage } = await import("./pages.ts");
const { vendorsPage } = await import("./vendors-page.ts");
writeFileSync(docs("errors.md"), errorsPage());
writeFileSync(docs("cli.md"), commandLinePage(readFileSync(docs("cli.md"), "utf8")));
writeFileSync(docs("vendors.md"), vendorsPage());
