import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("kept answers", () => import("./idempotency.test.ts"));
