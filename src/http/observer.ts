import type { Logger } from "pino";
import type { AttemptReport, CallObserver, CallReport } from "../call/spec.ts";

/** What the metrics need to know of calls. */
export interface CallMetrics {
  attemptFinished(report: AttemptReport): void;
  callFinished(report: CallReport): void;
}

/** Tells metrics of every call, and the log of those that did not go as they should. Never of bodies or secrets. */
export function observeCalls(metrics: CallMetrics, log: Logger): CallObserver {
  const eachCall = log.isLevelEnabled("debug");
  return {
    attemptFinished(report) {
      metrics.attemptFinished(report);
      const { fault } = report;
      if (!fault) return;
      const { attempt, payer, model, outcome } = report;
      log.warn({ attempt, payer, model, outcome, code: fault.code, cause: causeOf(fault.cause) }, fault.message);
    },
    callFinished(report) {
      metrics.callFinished(report);
      const { call, payer, model, operation, stream, fault } = report;
      if (fault?.code === "internal_error") log.error({ call, payer, model, err: fault.cause }, fault.message);
      else if (eachCall) {
        const durationMs = Math.round(report.durationMs);
        log.debug({ call, payer, model, operation, stream, code: fault?.code ?? "ok", durationMs }, "call");
      }
    },
    broke: (cause) => log.error({ err: cause }, "clients' surface"),
  };
}

function causeOf(cause: unknown): string | undefined {
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : undefined;
}
