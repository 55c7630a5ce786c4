import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("the list of calls", () => import("./openings.test.ts"));
