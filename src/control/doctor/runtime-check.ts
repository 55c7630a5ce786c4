import { doctorWords as words } from "../../base/messages/doctor.ts";
import type { DoctorDependencies, Finding } from "./spec.ts";

/** The oldest Node.js on which Maidan runs; the same as `engines` in package.json. */
const OLDEST: readonly [number, number] = [20, 19];

export function checkRuntime({ nodeVersion }: Pick<DoctorDependencies, "nodeVersion">): readonly Finding[] {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, "").split(".").map(Number);
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (!old) return [{ state: "ok", what: words.node(nodeVersion) }];
  return [
    { state: "problem", what: words.oldNode(nodeVersion, OLDEST.join(".")), remedy: words.oldNodeDo(OLDEST.join(".")) },
  ];
}
