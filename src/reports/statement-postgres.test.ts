import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("statements", () => import("./statement.test.ts"));
