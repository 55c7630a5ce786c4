import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("usage", () => import("./usage.test.ts"));
