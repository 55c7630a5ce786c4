// Installs and builds what is missing, with nothing but Node and npm: a fresh clone needs no other step.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const at = (...parts) => join(root, ...parts);

/** Runs a command in the project's folder; ends the program when it fails. Its output goes to standard error. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (error) throw error;
  if (status !== 0) {
    console.error(`${command} ${args.join(" ")} failed (exit code ${status}).`);
    process.exit(status ?? 1);
  }
}

/** A program that an installed package brings. */
export function bin(name) {
  return at("node_modules", ".bin", process.platform === "win32" ? `${name}.cmd` : name);
}

/** Installs the locked packages, unless those installed are the very ones. */
export function install() {
  installIn(".", "Installing packages (npm ci) … / 正在安装依赖 …", []);
}

/** Installs the official clients of vendors that tests drive Maidan with. Their packages run no scripts. */
export function installClients() {
  installIn("tests/clients", "Installing official clients for the tests … / 正在安装测试用的官方客户端 …", [
    "--ignore-scripts",
  ]);
}

function installIn(folder, notice, options) {
  const mark = at(folder, "node_modules", ".maidan-lock");
  const lock = createHash("sha256")
    .update(readFileSync(at(folder, "package-lock.json")))
    .digest("hex");
  if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
  console.error(notice);
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error", ...options], { cwd: at(folder) });
  writeFileSync(mark, lock);
}

/** Compiles `src` to `dist`, unless nothing has changed since. */
export function build() {
  const mark = at("dist", ".built");
  const now = stateOfSources();
  if (existsSync(mark) && readFileSync(mark, "utf8") === now) return;
  console.error("Building … / 正在构建 …");
  rmSync(at("dist"), { recursive: true, force: true });
  run(process.execPath, [at("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  mkdirSync(at("dist"), { recursive: true });
  writeFileSync(mark, now);
}

function stateOfSources() {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", "tsconfig.json", "tsconfig.build.json"]) hash.update(readFileSync(at(file)));
  for (const name of readdirSync(at("src"), { recursive: true }).sort()) {
    const path = at("src", name);
    if (statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest("hex");
}
