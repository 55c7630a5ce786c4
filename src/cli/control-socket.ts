import { connect } from "node:net";
import { join, relative } from "node:path";

/** What fits into `sockaddr_un` everywhere (104 bytes on macOS, 108 on Linux), its closing zero included. */
const LONGEST_PATH_BYTES = 103;

/**
 * Where a server listens for the command line on the same machine: a socket in its data folder, that only the folder's
 * owner may open. A path too long for a socket is told from the working folder; undefined where that is too long as well.
 */
export function controlSocketPath(dataFolder: string): string | undefined {
  const path = join(dataFolder, "control.sock");
  const candidates = [path, relative(process.cwd(), path)];
  return candidates.find((candidate) => Buffer.byteLength(candidate) <= LONGEST_PATH_BYTES);
}

export type SocketState = "answers" | "silent" | "forbidden";

/** Whether somebody listens there. A socket left behind by a crash is `silent`. */
export function askSocket(path: string): Promise<SocketState> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (state: SocketState): void => {
      socket.destroy();
      resolve(state);
    };
    socket.once("connect", () => finish("answers"));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      finish(error.code === "EACCES" || error.code === "EPERM" ? "forbidden" : "silent");
    });
  });
}
