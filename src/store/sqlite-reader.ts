import { parentPort, workerData } from "node:worker_threads";
import { type ConnectionOptions, openForReading } from "./sqlite-connection.ts";
import { Statements, threadError } from "./statements.ts";
import type { ThreadAnswer, ThreadRequest } from "./thread.ts";

/** The thread that reads, on a connection that cannot write: however long a report takes, no commit waits for it. */
const port = parentPort!;
const database = openForReading(workerData as ConnectionOptions);
const statements = new Statements(database);

port.on("message", (request: ThreadRequest) => {
  port.postMessage(answer(request));
});

function answer({ id, ask, sql, parameters }: ThreadRequest): ThreadAnswer {
  try {
    if (ask === "run") return { id, result: statements.run({ sql, parameters }) };
    database.close();
    return { id };
  } catch (error) {
    return { id, error: threadError(error) };
  }
}
