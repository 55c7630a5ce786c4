import { againOnPostgres } from "../store/test-store.suite.ts";

againOnPostgres("the ledger", () => import("./ledger.test.ts"));
