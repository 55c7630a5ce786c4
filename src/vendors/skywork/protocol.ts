import type { Protocol } from "../spec.ts";
import { encode, probe } from "./encode.ts";
import { readError, readPieces, readProbe, SkyworkReader } from "./reader.ts";

/**
 * Kunlun's Skywork (Tiangong) API v4: signed by MD5, errors in a 200, streams as lines of JSON. Text only. Known from four clients
 * of 2023 and 2024; whether the platform still answers is not.
 */
export const skywork: Protocol = {
  id: "skywork",
  operations: ["chat"],
  encode,
  probe,
  readProbe,
  readError,
  readPieces,
  readStream: (options) => new SkyworkReader(options),
  // An error in the place of a stream is a line like any other.
  isStream: () => true,
};
