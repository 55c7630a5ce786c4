import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { outputTokens, type Usage } from "../base/usage.ts";
import type {
  AnswerHeaders,
  FollowOptions,
  ModelRequest,
  Operation,
  Passage,
  Protocol,
  StreamFollower,
  Target,
  TextTransform,
  VendorErrorClass,
} from "./spec.ts";
import { VendorFault } from "./vendor-fault.ts";

/** The same answer in both forms, as a vendor sent it. */
export interface ProtocolScene {
  readonly buffered: Buffer;
  /** With usage at its end. */
  readonly streamed: Buffer;
  readonly usage: Usage;
  readonly finish: string;
  /** All that the model wrote, in UTF-8 bytes: texts, reasoning, arguments of tools. */
  readonly textBytes: number;
  readonly choices?: number;
}

export type SceneName = "text" | "tools" | "reasoning" | "choices" | "cached" | "length" | "estimated";

export interface ProtocolSubject {
  readonly protocol: Protocol;
  readonly target: Target;
  /** A secret in `target.credentials`: it may stand in headers only. */
  readonly secret: string;
  readonly scenes: Partial<Record<SceneName, () => Promise<ProtocolScene>>>;
  /** Reads a client's request in this protocol. Every body names the model `asked`. */
  readRequest(operation: Operation, body: Buffer): ModelRequest;
  readonly requests: Readonly<
    Record<"plain" | "stream" | "streamWithUsage" | "limited", { readonly operation: Operation; readonly body: Buffer }>
  >;
  /** The longest answer that a request for the vendor asks for. */
  readMaxOutput(body: Buffer): number | undefined;
  readWantsUsage(body: Buffer): boolean;
  readModel(body: Buffer): string;
  readonly errors: Partial<Record<VendorErrorClass, { status: number; headers?: AnswerHeaders; body: string }>>;
  /** Bodies of a 200 that are no answer. */
  readonly garbage: readonly string[];
  /** The visible texts of an answer, all choices after one another. */
  readText(form: "buffered" | "streamed", bytes: Buffer): string;
}

const EVENT_BYTES = 1024 * 1024;
/** The time at which requests are signed. */
const SENT_AT = Date.UTC(2026, 10, 24);
const OPTIONS: FollowOptions = { dropUsage: false, eventBytes: EVENT_BYTES };

/** Every protocol passes this. What it does not have is skipped, with a reason. */
export function describeProtocol(subject: ProtocolSubject, skips: Readonly<Record<string, string>> = {}): void {
  const { protocol } = subject;
  const passage = passageOf(subject);
  describe(`protocol contract: ${protocol.id}`, () => {
    const needing = (name: string, title: string, run: () => Promise<void> | void) =>
      skips[name] ? test.skip(`${title} (skipped: ${skips[name]})`, run) : test(title, run);

    describeRequests(subject);
    describeErrors(subject, needing);

    for (const name of ["text", "tools", "reasoning", "choices", "cached", "length", "estimated"] as const) {
      const scene = () => subject.scenes[name]!();

      needing(name, `${name}: a buffered answer tells usage, finish and bytes`, async () => {
        const { buffered, usage, finish, textBytes } = await scene();
        const facts = passage.readAnswer("chat", buffered);
        expect(known(facts.usage)).toEqual(usage);
        expect([facts.finish, facts.textBytes]).toEqual([finish, textBytes]);
        expect(facts.usageEstimated ?? false).toBe(name === "estimated");
      });

      needing(name, `${name}: the stream passes untouched and tells the same, wherever it is cut`, async () => {
        const { streamed, usage, textBytes, choices } = await scene();
        const check = (cuts: readonly number[]): void => {
          const follower = passage.followStream({ ...OPTIONS, choices: choices ?? 1 });
          const passed = feed(follower, streamed, cuts);
          expect(Buffer.concat([passed, follower.finish(undefined)]).equals(streamed)).toBe(true);
          expect(known(follower.usage)).toEqual(usage);
          expect([follower.textBytes, follower.ended, follower.finished]).toEqual([textBytes, true, true]);
          expect(follower.usageEstimated ?? false).toBe(name === "estimated");
          expect(follower.fault).toBeUndefined();
        };
        check([]);
        for (let at = 0; at <= streamed.length; at += Math.max(1, streamed.length >> 9)) check([at]);
        check(Array.from({ length: streamed.length }, (_, at) => at));
        fc.assert(fc.property(fc.array(fc.nat(streamed.length), { maxLength: 12 }), check), { numRuns: 50 });
      });

      needing(name, `${name}: the decoded stream is the same where nothing is rewritten`, async () => {
        const { streamed, usage } = await scene();
        for (const cuts of [[], everyNth(streamed, 1), everyNth(streamed, 7)]) {
          const decoder = passage.decodeStream(OPTIONS);
          decoder.transform(() => unchanged);
          const passed = feed(decoder, streamed, cuts);
          expect(Buffer.concat([passed, decoder.finish(undefined)]).toString()).toBe(streamed.toString());
          expect(known(decoder.usage)).toEqual(usage);
        }
      });
    }

    describeEnd(subject, needing);
    describeTransforms(subject, needing);
  });
}

/** The way of untouched bytes: only protocols that a surface speaks have one, and only they run this suite. */
function passageOf(subject: ProtocolSubject): Passage {
  return subject.protocol.passage as Passage;
}

type Needing = (name: string, title: string, run: () => Promise<void> | void) => void;

function describeRequests(subject: ProtocolSubject): void {
  const { protocol, requests, target } = subject;
  const encode = (name: keyof typeof requests, changes: Parameters<Protocol["encode"]>[1]) => {
    const { operation, body } = requests[name];
    return protocol.encode(subject.readRequest(operation, body), changes, target, SENT_AT);
  };

  test("a request that nothing changes goes on byte for byte", () => {
    for (const name of ["plain", "stream", "streamWithUsage", "limited"] as const) {
      const wire = encode(name, { model: "asked", includeUsage: false });
      expect(wire.body.equals(requests[name].body)).toBe(true);
      expect([wire.method, wire.path[0]]).toEqual(["POST", "/"]);
      expect(wire.body.includes(subject.secret) || wire.path.includes(subject.secret)).toBe(false);
    }
  });

  test("the model, the length and usage are changed, and nothing else", () => {
    for (const name of ["plain", "stream", "streamWithUsage", "limited"] as const) {
      const streams = name.startsWith("stream");
      const { body } = encode(name, { model: "vendor's/model", maxOutputTokens: 5, includeUsage: streams });
      expect(subject.readModel(body)).toBe("vendor's/model");
      expect(subject.readMaxOutput(body)).toBe(5);
      expect(subject.readWantsUsage(body)).toBe(streams);
      const again = subject.readRequest(requests[name].operation, body);
      const before = subject.readRequest(requests[name].operation, requests[name].body);
      const rest = (request: ModelRequest) => ({
        ...request,
        body: 0,
        content: 0,
        fields: 0,
        model: 0,
        maxOutputTokens: 0,
        inputTokens: 0,
      });
      expect({ ...rest(again), wantsUsage: 0, maxOutputField: 0 }).toEqual({
        ...rest(before),
        wantsUsage: 0,
        maxOutputField: 0,
      });
    }
  });

  test("a length is never raised", () => {
    const { body } = encode("limited", { model: "asked", maxOutputTokens: 1_000_000, includeUsage: false });
    expect(body.equals(requests.limited.body)).toBe(true);
  });

  test("the probe costs nothing", () => {
    expect(protocol.probe(target, SENT_AT)).toMatchObject({ method: "GET", body: Buffer.alloc(0) });
  });
}

function describeErrors(subject: ProtocolSubject, needing: Needing): void {
  const { protocol } = subject;
  const classes: readonly VendorErrorClass[] = [
    "invalid_request",
    "context_length",
    "content_filter",
    "auth",
    "permission",
    "billing",
    "not_found",
    "rate_limit",
    "quota",
    "overloaded",
    "timeout",
    "server_error",
  ];
  for (const errorClass of classes) {
    needing(errorClass, `an error of the class ${errorClass} is told, in both languages, and not charged`, () => {
      const { status, headers = {}, body } = subject.errors[errorClass]!;
      const fault = protocol.readError(status, headers, Buffer.from(body));
      expect(fault).toMatchObject({ errorClass, charged: "nothing", vendorStatus: status, origin: "vendor" });
      expect(fault.text("en")).not.toBe(fault.text("zh"));
    });
  }

  test("what is no answer is a fault, never an answer without usage", () => {
    for (const body of subject.garbage) {
      for (const operation of protocol.operations) {
        expect(() => passageOf(subject).readAnswer(operation, Buffer.from(body)), body).toThrow(VendorFault);
      }
    }
  });

  test("an error status with any body is read without throwing", () => {
    const status = fc.constantFrom(400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529);
    fc.assert(
      fc.property(status, fc.oneof(fc.string(), fc.json(), fc.uint8Array()), (code, body) => {
        const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
        expect(protocol.readError(code, {}, bytes)).toMatchObject({ vendorStatus: code, charged: "nothing" });
      }),
    );
  });
}

function describeEnd(subject: ProtocolSubject, needing: Needing): void {
  const passage = passageOf(subject);
  const scene = () => subject.scenes.text!();

  needing("text", "the end is kept back until the ledger has settled, and shows the cost", async () => {
    const { streamed } = await scene();
    const follower = passage.followStream(OPTIONS);
    const passed = feed(follower, streamed, []);
    const end = follower.finish({ amount: "0.000123", currency: "CNY" });
    expect(passed.equals(streamed.subarray(0, passed.length))).toBe(true);
    expect(passed.length).toBeLessThan(streamed.length);
    expect(end.toString()).toContain("0.000123");
    expect(end.toString()).toContain("CNY");
    expect(passed.toString()).not.toContain("CNY");
  });

  needing("dropUsage", "usage that the client did not ask for is left out, and nothing else", async () => {
    const { streamed, usage } = await scene();
    for (const cuts of [[], everyNth(streamed, 1), everyNth(streamed, 5)]) {
      const follower = passage.followStream({ ...OPTIONS, dropUsage: true });
      const passed = feed(follower, streamed, cuts);
      const whole = Buffer.concat([passed, follower.finish({ amount: "1", currency: "CNY" })]);
      expect(whole.toString()).not.toContain("CNY");
      expect(whole.length).toBeLessThan(streamed.length);
      expect(subject.readText("streamed", whole)).toBe(subject.readText("streamed", streamed));
      expect(known(follower.usage)).toEqual(usage);
    }
  });

  needing("text", "a stream that breaks off anywhere is not ended, and counts what came", async () => {
    const { streamed, textBytes } = await scene();
    let before = { events: 0, textBytes: 0 };
    for (let at = 0; at < streamed.length; at++) {
      const follower = passage.followStream(OPTIONS);
      const passed = feed(follower, streamed.subarray(0, at), []);
      expect(passed.equals(streamed.subarray(0, passed.length))).toBe(true);
      expect(follower.textBytes).toBeGreaterThanOrEqual(before.textBytes);
      expect(follower.events).toBeGreaterThanOrEqual(before.events);
      expect(follower.textBytes).toBeLessThanOrEqual(textBytes);
      before = { events: follower.events, textBytes: follower.textBytes };
    }
    const half = passage.followStream(OPTIONS);
    feed(half, streamed.subarray(0, streamed.length >> 1), []);
    // Some say at the beginning what they were asked; nobody knows before the end what was written.
    expect([half.ended, half.finished, outputTokens(half.usage ?? {})]).toEqual([false, false, undefined]);
  });

  needing("text", "an early stop and an error are shown in the protocol's own shape", async () => {
    const { streamed } = await scene();
    const stopped = passage.followStream(OPTIONS);
    const passed = feed(stopped, streamed.subarray(0, streamed.length >> 1), []);
    const clean = Buffer.concat([passed, stopped.stop()]);
    const reader = passage.followStream(OPTIONS);
    feed(reader, clean, []);
    expect([reader.ended, reader.finished, reader.fault]).toEqual([true, true, undefined]);
    const fault = new Fault("vendor_error", () => "it broke");
    const failed = passage.followStream(OPTIONS);
    feed(failed, Buffer.concat([passed, failed.error(fault, "it broke")]), []);
    expect(failed.fault).toBeInstanceOf(VendorFault);
    expect(failed.fault!.message).toContain("it broke");
  });

  test("an event without an end is bounded", () => {
    const follower = passage.followStream({ ...OPTIONS, eventBytes: 1_000 });
    const pour = (): void => {
      for (let i = 0; i < 100; i++) follower.push(Buffer.from("data: x".repeat(10)));
    };
    expect(pour).toThrow(VendorFault);
  });
}

function describeTransforms(subject: ProtocolSubject, needing: Needing): void {
  const passage = passageOf(subject);
  const scene = () => subject.scenes.text!();

  needing("text", "texts are rewritten in both forms alike, wherever they are cut", async () => {
    const { buffered, streamed, usage } = await scene();
    const wanted = `«${subject.readText("buffered", buffered).toUpperCase()}»`;
    const changed = passage.transformAnswer(buffered, shout);
    expect(subject.readText("buffered", changed)).toBe(wanted);
    expect(known(passage.readAnswer("chat", changed).usage)).toEqual(usage);
    for (const cuts of [[], everyNth(streamed, 1), everyNth(streamed, 3), everyNth(streamed, 64)]) {
      const decoder = passage.decodeStream(OPTIONS);
      decoder.transform(shout);
      const passed = feed(decoder, streamed, cuts);
      const whole = Buffer.concat([passed, decoder.finish(undefined)]);
      expect(subject.readText("streamed", whole)).toBe(wanted);
      expect(known(decoder.usage)).toEqual(usage);
    }
  });

  needing("text", "an answer that nothing rewrites stays byte for byte", async () => {
    const { buffered } = await scene();
    expect(passage.transformAnswer(buffered, () => unchanged).equals(buffered)).toBe(true);
  });
}

const unchanged: TextTransform = { push: (text) => text, end: () => "" };

/** Holds everything back to the end, then lets it go in capitals: the hardest that a transform can ask for. */
function shout(): TextTransform {
  let held = "";
  return {
    push: (text) => {
      held += text;
      return "";
    },
    end: () => `«${held.toUpperCase()}»`,
  };
}

function feed(follower: StreamFollower, stream: Buffer, cuts: readonly number[]): Buffer {
  const edges = [...new Set([0, ...cuts, stream.length])].sort((a, b) => a - b);
  const passed: Buffer[] = [];
  for (let i = 1; i < edges.length; i++) {
    const bytes = follower.push(Buffer.from(stream.subarray(edges[i - 1], edges[i])));
    if (bytes) passed.push(Buffer.from(bytes));
  }
  return Buffer.concat(passed);
}

function everyNth(stream: Buffer, step: number): number[] {
  const cuts: number[] = [];
  for (let at = step; at < stream.length; at += step) cuts.push(at);
  return cuts;
}

/** The classes that are known: undefined says the same as absence. */
function known(usage: Usage | undefined): Usage | undefined {
  return usage && (Object.fromEntries(Object.entries(usage).filter(([, count]) => count !== undefined)) as Usage);
}
