import { Fault, type FaultCode, type FaultOptions } from "../base/faults.ts";
import type { Text } from "../base/language.ts";
import type { VendorErrorClass } from "./spec.ts";

/** The code that clients see for each class of vendor error. A vendor's refusal of *our* credential is not the client's. */
const CODE_OF_CLASS: Record<VendorErrorClass, FaultCode> = {
  invalid_request: "invalid_request",
  unsupported: "invalid_request",
  context_length: "context_length_exceeded",
  content_filter: "content_filter",
  auth: "vendor_error",
  permission: "vendor_error",
  billing: "vendor_error",
  not_found: "model_not_found",
  rate_limit: "rate_limit_exceeded",
  quota: "rate_limit_exceeded",
  overloaded: "overloaded",
  timeout: "timeout",
  server_error: "vendor_error",
};

export interface VendorFaultOptions extends Omit<FaultOptions, "origin"> {
  readonly errorClass: VendorErrorClass;
  /** `nothing`: the vendor surely bills nothing for this attempt. `unknown`: it may, and nobody here can tell. */
  readonly charged: "nothing" | "unknown";
  readonly vendorStatus?: number | undefined;
  readonly vendorCode?: string | undefined;
  readonly body?: Buffer | undefined;
}

/** An error of a vendor, classified. */
export class VendorFault extends Fault {
  readonly errorClass: VendorErrorClass;
  readonly charged: "nothing" | "unknown";
  readonly vendorStatus: number | undefined;
  readonly vendorCode: string | undefined;
  /** The vendor's own error body, to pass on where the client speaks its protocol. */
  readonly body: Buffer | undefined;

  constructor(text: Text, options: VendorFaultOptions) {
    super(CODE_OF_CLASS[options.errorClass], text, { ...options, origin: "vendor" });
    this.name = "VendorFault";
    this.errorClass = options.errorClass;
    this.charged = options.charged;
    this.vendorStatus = options.vendorStatus;
    this.vendorCode = options.vendorCode;
    this.body = options.body;
  }
}

/** A fault whose vendor means something of its own by its code, or by its status: of the class that `codes` says, where it says one. */
export function reclassify(
  fault: VendorFault,
  codes: Readonly<Record<string, VendorErrorClass>> | undefined,
): VendorFault {
  const errorClass = codes?.[fault.vendorCode ?? ""] ?? codes?.[String(fault.vendorStatus)];
  if (errorClass === undefined || errorClass === fault.errorClass) return fault;
  const { charged, vendorStatus, vendorCode, param, details, retryAfterMs, cause } = fault;
  return new VendorFault(fault.text, {
    errorClass,
    charged,
    vendorStatus,
    vendorCode,
    // A refused credential is not passed on, not even in the vendor's words.
    body: errorClass === "auth" ? undefined : fault.body,
    ...(param !== undefined && { param }),
    ...(details !== undefined && { details }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(cause !== undefined && { cause }),
  });
}
