// Lets threads and child processes of the tests run TypeScript from source where Node cannot (`node --import` this).
import { register } from "node:module";

if (!process.features.typescript) register("./typescript-hooks.mjs", import.meta.url);
