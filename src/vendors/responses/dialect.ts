import type { Dialect } from "../spec.ts";
import { writeBody } from "./answer-writer.ts";
import { ResponseWriter } from "./stream-writer.ts";

/** OpenAI's Responses, for clients whose vendor speaks something else. */
export const responsesDialect: Dialect = {
  id: "responses",
  writeAnswer: writeBody,
  writeStream: (request, naming) => new ResponseWriter(request, naming),
};
