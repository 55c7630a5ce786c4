import type { Text } from "../../base/language.ts";
import { vendorWords } from "../../base/messages/vendors.ts";
import { VendorFault } from "../vendor-fault.ts";

/** The vendor's protocol cannot say what the client asked: nothing is sent, and a route tries its next model. */
export function unsupported(what: Text, param: string): VendorFault {
  return new VendorFault((language) => vendorWords.unsupported(what(language))(language), {
    errorClass: "unsupported",
    charged: "nothing",
    param,
  });
}
