import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("costing entries", () => import("./costing-entries.test.ts"));
