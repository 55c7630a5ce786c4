import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("calls", () => import("./calls.test.ts"));
