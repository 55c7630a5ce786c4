import { vendorWords } from "../base/messages/vendors.ts";
import { VendorFault } from "./vendor-fault.ts";

const LF = 0x0a;

/** Cuts a stream of JSON lines, which comes in chunks cut anywhere, into lines. Empty ones are left out. */
export class LineSplitter {
  readonly #lineBytes: number;
  #begun: Buffer[] = [];
  #begunBytes = 0;

  /** @param lineBytes the longest line that is taken. */
  constructor(lineBytes: number) {
    this.#lineBytes = lineBytes;
  }

  /** The lines that are whole now. Throws `VendorFault` where one is too long. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      this.#keep(chunk.subarray(from, end));
      this.#take(lines);
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  /** The last line, where it has no end of its own. */
  end(): string[] {
    const lines: string[] = [];
    this.#take(lines);
    return lines;
  }

  #keep(bytes: Buffer): void {
    this.#begunBytes += bytes.length;
    if (this.#begunBytes > this.#lineBytes) {
      const text = vendorWords.eventTooLong(this.#lineBytes);
      throw new VendorFault(text, { errorClass: "server_error", charged: "unknown" });
    }
    if (bytes.length > 0) this.#begun.push(bytes);
  }

  #take(lines: string[]): void {
    const line = Buffer.concat(this.#begun).toString("utf8").trim();
    this.#begun = [];
    this.#begunBytes = 0;
    if (line !== "") lines.push(line);
  }
}
