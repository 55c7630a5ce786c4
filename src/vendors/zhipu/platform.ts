import type { RequestClamps } from "../clamps.ts";
import { each } from "../error-codes.ts";
import type { VendorErrorClass } from "../spec.ts";

/** What the platform takes, by its documentation; an endpoint's own `clamps` go before these. */
export const CLAMPS: RequestClamps = {
  temperature: { min: 0, max: 1, step: 0.01 },
  top_p: { min: 0.01, max: 1, step: 0.01 },
  stop: { max: 4 },
  tool_choice: ["auto"],
};

/** Codes of the platform; docs.bigmodel.cn, "错误码". What is not here is known by its message or its status. */
export const CODES: Readonly<Record<string, VendorErrorClass>> = {
  ...each("auth", 1000, 1001, 1002, 1003, 1004, 1005),
  ...each("permission", 1110, 1111, 1112, 1120, 1121, 1220, 1309, 1311, 1313, 1314, 1315),
  ...each("billing", 1113),
  ...each("server_error", 500, 1200, 1230, 1234),
  ...each("invalid_request", 1210, 1212, 1213, 1214, 1215, 1221, 1222),
  ...each("not_found", 1211),
  ...each("context_length", 1261),
  ...each("content_filter", 1300, 1301),
  ...each("rate_limit", 1302, 1303),
  ...each("quota", 1304, 1308, 1310, 1316, 1317, 1318, 1319, 1320, 1321),
  ...each("overloaded", 1305),
};
