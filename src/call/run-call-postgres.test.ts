import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("calls", () => import("./run-call.test.ts"));
