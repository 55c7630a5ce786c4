import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnswerHeaders, AnswerSink, Exchange, SendBounds, Transport, WireRequest } from "./spec.ts";
import type { VendorFault } from "./vendor-fault.ts";

/** What stands behind a transport must be able to do this, or say why it cannot. */
export type Scene =
  /** 200, and a body. */
  | "body"
  /** 200, in at least three chunks. */
  | "stream"
  /** A status of 400 or more, with a body. */
  | "error"
  /** No answer for longer than a minute. */
  | "slow"
  /** The beginning of an answer, then nothing for longer than a minute. */
  | "stall"
  /** Breaks before any answer. */
  | "broken"
  /** Breaks after the beginning of an answer. */
  | "cut";

export interface TransportSubject {
  readonly transport: Transport;
  readonly scenes: Partial<Record<Scene, WireRequest>>;
  stop?(): Promise<void>;
}

const PATIENT: SendBounds = { connectMs: 20_000, firstByteMs: 20_000, betweenBytesMs: 20_000 };

/** Every transport passes this. A scene that it cannot play is skipped with a reason. */
export function describeTransport(
  name: string,
  make: () => Promise<TransportSubject>,
  skips: Partial<Record<Scene, string>> = {},
): void {
  describe(`transport contract: ${name}`, () => {
    let subject: TransportSubject;
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(() => subject.stop?.());

    const start = (scene: Scene, options: RecorderOptions = {}, bounds: Partial<SendBounds> = {}) =>
      record(subject.transport, subject.scenes[scene]!, { ...PATIENT, ...bounds }, options);
    const scene = (needed: Scene, title: string, run: () => Promise<void>) =>
      skips[needed] ? test.skip(`${title} (skipped: ${skips[needed]})`, run) : test(title, run);

    for (const kind of ["body", "stream"] as const) {
      scene(kind, `${kind}: head, chunks and end, in this order and once`, async () => {
        const { events, status, body } = await start(kind).done;
        expect(status).toBe(200);
        expect(events[0]).toBe("head");
        expect(events.at(-1)).toBe("end");
        expect(events.slice(1, -1).every((event) => event === "chunk")).toBe(true);
        expect(body.length).toBeGreaterThan(0);
        if (kind === "stream") expect(events.length).toBeGreaterThanOrEqual(5);
      });

      scene(kind, `${kind}: nothing is said before send has returned`, async () => {
        const recorder = start(kind);
        expect(recorder.events).toEqual([]);
        await recorder.done;
      });

      scene(kind, `${kind}: pausing at every chunk loses nothing`, async () => {
        const plain = await start(kind).done;
        const paused = await start(kind, {
          onChunk: (exchange) => {
            exchange.pause();
            setImmediate(() => exchange.resume());
          },
        }).done;
        expect(paused.events.at(-1)).toBe("end");
        expect(paused.body.length).toBe(plain.body.length);
      });

      scene(kind, `${kind}: paused from the start, then let go`, async () => {
        const recorder = start(kind);
        recorder.exchange.pause();
        await start(kind).done;
        expect(recorder.events).not.toContain("chunk");
        expect(recorder.events).not.toContain("end");
        recorder.exchange.resume();
        expect((await recorder.done).events.at(-1)).toBe("end");
      });

      scene(kind, `${kind}: aborted at once, the sink hears nothing`, async () => {
        const recorder = start(kind);
        recorder.exchange.abort();
        recorder.exchange.abort();
        await start(kind).done;
        expect(recorder.events).toEqual([]);
      });

      scene(kind, `${kind}: aborted at the head, the sink hears nothing more`, async () => {
        const recorder = start(kind, { onHead: (exchange) => exchange.abort() });
        await recorder.headed;
        await start(kind).done;
        expect(recorder.events).toEqual(["head"]);
      });

      scene(kind, `${kind}: steering what is over does no harm`, async () => {
        const recorder = start(kind);
        const { events } = await recorder.done;
        const before = events.length;
        recorder.exchange.pause();
        recorder.exchange.resume();
        recorder.exchange.abort();
        await start(kind).done;
        expect(events.length).toBe(before);
      });
    }

    scene("stream", "a paused stream stands still until it is let go", async () => {
      let firstChunk = (): void => {};
      const chunk = new Promise<void>((resolve) => {
        firstChunk = resolve;
      });
      let seen = 0;
      const recorder = start("stream", {
        onChunk: (exchange) => {
          seen += 1;
          if (seen > 1) return;
          exchange.pause();
          firstChunk();
        },
      });
      await chunk;
      await start("stream").done;
      expect(recorder.events).toEqual(["head", "chunk"]);
      recorder.exchange.resume();
      expect(recorder.events).toEqual(["head", "chunk"]);
      expect((await recorder.done).events.at(-1)).toBe("end");
    });

    scene("stream", "aborted in the middle, the sink hears nothing more", async () => {
      const recorder = start("stream", { onChunk: (exchange) => exchange.abort() });
      await recorder.chunked;
      await start("stream").done;
      expect(recorder.events).toEqual(["head", "chunk"]);
    });

    scene("stream", "one paused exchange does not hold up the others", async () => {
      const paused = start("stream", { onHead: (exchange) => exchange.pause() });
      await paused.headed;
      const others = await Promise.all(Array.from({ length: 20 }, () => start("stream").done));
      expect(others.every(({ events }) => events.at(-1) === "end")).toBe(true);
      let let_go = false;
      await start("stream", {
        onChunk: () => {
          if (!let_go) paused.exchange.resume();
          let_go = true;
        },
      }).done;
      expect((await paused.done).events.at(-1)).toBe("end");
    });

    scene("error", "an error status is an answer like any other", async () => {
      const { events, status, body } = await start("error").done;
      expect(status).toBeGreaterThanOrEqual(400);
      expect(events[0]).toBe("head");
      expect(events.at(-1)).toBe("end");
      expect(body.length).toBeGreaterThan(0);
    });

    scene("slow", "no first byte in time is a timeout, and may be charged", async () => {
      const { events, fault } = await start("slow", {}, { firstByteMs: 20 }).done;
      expect(events.at(-1)).toBe("fail");
      expect(events.filter((event) => event !== "head")).toEqual(["fail"]);
      expect(fault).toMatchObject({ errorClass: "timeout", charged: "unknown", code: "timeout", origin: "vendor" });
    });

    scene("slow", "an exchange that waits can be aborted", async () => {
      const recorder = start("slow");
      recorder.exchange.abort();
      await start("body").done;
      expect(recorder.events).toEqual([]);
    });

    scene("stall", "silence in the middle of an answer is a timeout, and may be charged", async () => {
      const { events, fault } = await start("stall", {}, { betweenBytesMs: 20 }).done;
      expect(events.slice(0, 2)).toEqual(["head", "chunk"]);
      expect(events.at(-1)).toBe("fail");
      expect(fault).toMatchObject({ errorClass: "timeout", charged: "unknown" });
    });

    scene("broken", "a break before any answer may be charged", async () => {
      const { events, fault } = await start("broken").done;
      expect(events).toEqual(["fail"]);
      expect(fault).toMatchObject({ errorClass: "server_error", charged: "unknown", code: "vendor_error" });
    });

    scene("cut", "a break in the middle of an answer may be charged", async () => {
      const { events, fault } = await start("cut").done;
      expect(events.slice(0, 2)).toEqual(["head", "chunk"]);
      expect(events.at(-1)).toBe("fail");
      expect(fault).toMatchObject({ errorClass: "server_error", charged: "unknown" });
    });

    test("closing waits for what is under way; what is sent afterwards fails and is not charged", async () => {
      const own = await make();
      const bounds = PATIENT;
      const begun = record(own.transport, own.scenes.body!, bounds);
      const closing = own.transport.close();
      const late = record(own.transport, own.scenes.body!, bounds);
      expect(late.events).toEqual([]);
      expect((await late.done).fault).toMatchObject({ errorClass: "server_error", charged: "nothing" });
      await closing;
      expect(begun.events.at(-1)).toBe("end");
      await own.transport.close();
      await own.stop?.();
    });
  });
}

export interface RecorderOptions {
  onHead?(exchange: Exchange): void;
  onChunk?(exchange: Exchange): void;
}

export interface Recording {
  readonly events: readonly ("head" | "chunk" | "end" | "fail")[];
  readonly status: number | undefined;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
  readonly fault: VendorFault | undefined;
}

/** Sends a request and notes everything that the sink is told. */
export function record(
  transport: Transport,
  request: WireRequest,
  bounds: SendBounds = PATIENT,
  options: RecorderOptions = {},
): {
  exchange: Exchange;
  events: Recording["events"];
  headed: Promise<void>;
  chunked: Promise<void>;
  done: Promise<Recording>;
} {
  const events: ("head" | "chunk" | "end" | "fail")[] = [];
  const chunks: Buffer[] = [];
  let status: number | undefined;
  let headers: AnswerHeaders = {};
  const headed = defer<void>();
  const chunked = defer<void>();
  const done = defer<Recording>();
  const finish = (fault: VendorFault | undefined): void =>
    done.resolve({ events, status, headers, body: Buffer.concat(chunks), fault });
  const sink: AnswerSink = {
    onHead(code, received) {
      events.push("head");
      status = code;
      headers = received;
      options.onHead?.(exchange);
      headed.resolve();
    },
    onChunk(chunk) {
      events.push("chunk");
      chunks.push(Buffer.from(chunk));
      options.onChunk?.(exchange);
      chunked.resolve();
    },
    onEnd() {
      events.push("end");
      finish(undefined);
    },
    onFail(fault) {
      events.push("fail");
      finish(fault);
    },
  };
  const exchange = transport.send(request, sink, bounds);
  return { exchange, events, headed: headed.promise, chunked: chunked.promise, done: done.promise };
}

function defer<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
