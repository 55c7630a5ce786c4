import { againOnPostgres } from "../../store/test-store.suite.ts";

againOnPostgres("the operators' API", () => import("./ledger.test.ts"));
