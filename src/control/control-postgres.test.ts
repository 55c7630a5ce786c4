import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("settings in force", () => import("./control.test.ts"));
