import { describe, expect, test } from "vitest";
import { ManualClock } from "../base/clock.ts";
import { EndpointHealth } from "./health.ts";

describe("health of an endpoint", () => {
  function opened(): { clock: ManualClock; health: EndpointHealth } {
    const clock = new ManualClock("2026-11-24T00:00:00Z");
    const health = new EndpointHealth(clock);
    for (let n = 0; n < 5; n++) {
      expect(health.available("lab")).toBe(true);
      health.failed("lab", "timeout");
    }
    return { clock, health };
  }

  test("five failures in a row open the breaker; a success in between starts the count anew", () => {
    const { health } = opened();
    expect(health.available("lab")).toBe(false);
    expect(health.state("lab")).toMatchObject({ state: "open", failures: 5, lastFault: "timeout" });
    for (let n = 0; n < 4; n++) health.failed("other", "server_error");
    health.succeeded("other");
    health.failed("other", "server_error");
    expect(health.available("other")).toBe(true);
  });

  test("after its rest one attempt is let through, and its success closes the breaker", () => {
    const { clock, health } = opened();
    clock.advance(5_000);
    expect(health.state("lab").state).toBe("half-open");
    expect(health.available("lab")).toBe(true);
    expect(health.available("lab")).toBe(false);
    health.succeeded("lab");
    expect(health.state("lab")).toMatchObject({ state: "closed", failures: 0 });
    expect(health.available("lab")).toBe(true);
  });

  test("each further failure doubles the rest, up to a minute", () => {
    const { clock, health } = opened();
    for (const rest of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      clock.advance(rest - 1);
      expect(health.available("lab")).toBe(false);
      clock.advance(1);
      expect(health.available("lab")).toBe(true);
      health.failed("lab", "overloaded");
    }
  });

  test("an attempt that was let through and never made does not shut the endpoint out for ever", () => {
    const { clock, health } = opened();
    clock.advance(5_000);
    expect(health.available("lab")).toBe(true); // nothing becomes of it
    clock.advance(5_000);
    expect(health.available("lab")).toBe(true);
  });
});
