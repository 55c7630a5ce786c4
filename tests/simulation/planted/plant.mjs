// Plants one bug into the product as Node loads it (`node --import` this, after `tools/typescript.mjs`). The files stay as
// they are. MAIDAN_PLANTED: a bug of `bugs.ts`, as JSON.
import { register } from "node:module";
import { pathToFileURL } from "node:url";

const bug = JSON.parse(process.env.MAIDAN_PLANTED);
register("./planting-hooks.mjs", import.meta.url, {
  data: { ...bug, url: pathToFileURL(bug.file).href },
});
