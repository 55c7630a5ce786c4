import { createHash, randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/faults.ts";
import type { Limits } from "../base/limits.ts";
import { callWords } from "../base/messages/call.ts";
import { IS_DECIDED, WAS_NEVER_HELD } from "../store/kept-calls.ts";
import { keptRow } from "../store/kept-writing.ts";
import type { Schema } from "../store/schema.ts";
import type { Journal, KeptAnswerRow } from "../store/spec.ts";
import type { CallHead } from "./spec.ts";

const LONGEST_KEY = 255;

/** Encrypts what is kept, so that no answer stands in the store in clear. */
export interface AnswerSealer {
  sealBytes(clear: Uint8Array): Uint8Array;
  openBytes(sealed: Uint8Array): Uint8Array;
}

/** A process that claims keys: which node's, and which of its runs. */
interface Claimant {
  readonly node: string;
  readonly run: string;
}

/** What stands in place of headers from the claim to the hold. */
function claimedBy({ node, run }: Claimant): string {
  return `claimed by ${node} ${run}`;
}

/** A call that holds an `Idempotency-Key`. Its rows go to the disk with the hold and with the settlement. */
export interface Claim {
  readonly id: string;
  readonly requestHash: string;
  readonly call: string;
}

export interface KeptAnswer {
  readonly head: CallHead;
  readonly body: Buffer;
}

/**
 * Answers kept for an `Idempotency-Key`, as Stripe does it: the stored answer again; a conflict for another body or a
 * call still in doubt; never a second dispatch. A call that surely cost nothing gives its key back.
 */
export class KeptAnswers {
  readonly #query: Kysely<Schema>;
  readonly #journal: Journal;
  readonly #sealer: AnswerSealer;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #owner: Claimant | undefined;
  readonly #open = new Map<string, Claim>();

  /**
   * @param node its name, where other nodes claim keys as well: a claim is durable before it counts. Of the processes of a
   * name one runs at a time.
   */
  constructor(
    query: Kysely<Schema>,
    journal: Journal,
    sealer: AnswerSealer,
    clock: Clock,
    limits: Limits,
    node?: string,
  ) {
    this.#owner = node === undefined ? undefined : { node, run: randomUUID() };
    this.#query = query;
    this.#journal = journal;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Claims a key for `call`, or returns the answer that an earlier call with it was given.
   * Throws `idempotency_conflict` for another body, a call under way, a call in doubt, or an answer too long to keep.
   */
  async claim(caller: string, idempotencyKey: string, body: Buffer, call: string): Promise<Claim | KeptAnswer> {
    if (idempotencyKey.length > LONGEST_KEY) {
      throw new Fault("invalid_request", callWords.idempotencyKeyTooLong(LONGEST_KEY), { param: "Idempotency-Key" });
    }
    const id = `${caller}:${sha256(idempotencyKey)}`;
    const claim: Claim = { id, requestHash: sha256(body), call };
    const open = this.#open.get(id);
    if (open) throw this.#conflict(open, claim, callWords.idempotencyInFlight(open.call));
    this.#open.set(id, claim);
    try {
      const stored = await this.#stored(claim);
      if (stored || !this.#owner || (await this.#claimAmongNodes(claim, this.#owner))) return stored ?? claim;
      // Another node was quicker: what it has made of it by now tells what to answer.
      const other = await this.#stored(claim);
      if (other) return other;
      throw this.#conflict(claim, claim, callWords.idempotencyInFlight(call));
    } catch (fault) {
      this.#open.delete(id);
      throw fault;
    }
  }

  /** The row that says a call is under way: goes to the disk in the hold's own transaction. */
  pending(claim: Claim): KeptAnswerRow {
    return { ...claim, state: "pending", at: this.#clock.now(), status: 0, headers: "", answer: undefined };
  }

  /**
   * The row that keeps an answer, or says that it was too long to keep: goes to the disk in the settlement's own
   * transaction.
   */
  kept(claim: Claim, head: CallHead, body: Buffer | undefined): KeptAnswerRow {
    const fits = body !== undefined && body.length <= this.#limits.keptAnswerBytes;
    const answer = fits ? this.#sealer.sealBytes(body) : undefined;
    const state = answer ? "kept" : "too-large";
    return { ...claim, state, at: this.#clock.now(), status: head.status, headers: JSON.stringify(head), answer };
  }

  /** The call is over and its last row is on the disk. */
  close(claim: Claim): void {
    this.#open.delete(claim.id);
  }

  /** The call surely cost nothing: its key may be used again. */
  async giveBack(claim: Claim): Promise<void> {
    await this.#journal.append({ op: "forget-kept", id: claim.id });
    this.#open.delete(claim.id);
  }

  /** Removes what has been kept long enough. What is in doubt is never that: another try might be served twice. */
  async expire(): Promise<void> {
    await this.#query.deleteFrom("kept_answers").where("at", "<", this.#oldest).where(IS_DECIDED).execute();
  }

  /**
   * Gives back what earlier processes of this node had claimed and never held: they were killed in between. To be called
   * once the ledger is open: what they had on its way to the store is refused by then.
   */
  async giveBackAbandoned(): Promise<void> {
    if (!this.#owner) return;
    const { node } = this.#owner;
    await this.#query
      .deleteFrom("kept_answers")
      .where("state", "=", "pending")
      .where("headers", ">", claimedBy({ node, run: "" }))
      .where("headers", "<", `${claimedBy({ node, run: "" })}~`)
      .where("headers", "<>", claimedBy(this.#owner))
      .where(WAS_NEVER_HELD)
      .execute();
  }

  /** When what is new enough to count was kept. */
  get #oldest(): number {
    return this.#clock.now() - this.#limits.keptAnswerMs;
  }

  /** Of nodes that claim a key at a time, one gets it. What has been kept for long enough is no claim. */
  async #claimAmongNodes(claim: Claim, owner: Claimant): Promise<boolean> {
    const { id } = claim;
    const earlier = this.#query.deleteFrom("kept_answers").where("id", "=", id).where("at", "<", this.#oldest);
    await earlier.where(IS_DECIDED).execute();
    const { numInsertedOrUpdatedRows } = await this.#query
      .insertInto("kept_answers")
      .values(keptRow({ ...this.pending(claim), headers: claimedBy(owner) }))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return Number(numInsertedOrUpdatedRows ?? 0) > 0;
  }

  async #stored(claim: Claim): Promise<KeptAnswer | undefined> {
    const rows = this.#query.selectFrom("kept_answers").where("id", "=", claim.id);
    const row = await rows.selectAll().executeTakeFirst();
    if (!row) return undefined;
    if (row.at < this.#oldest && (await rows.select("id").where(IS_DECIDED).executeTakeFirst())) return undefined;
    const earlier: Claim = { id: row.id, requestHash: row.request_hash, call: row.call };
    if (row.state === "too-large") throw this.#conflict(earlier, claim, callWords.idempotencyTooLarge(row.call));
    if (row.state !== "kept" || !row.answer) throw this.#conflict(earlier, claim, callWords.idempotencyDoubt(row.call));
    if (earlier.requestHash !== claim.requestHash) throw this.#conflict(earlier, claim);
    this.#open.delete(claim.id);
    const head = { ...(JSON.parse(row.headers) as CallHead), replayed: true };
    return { head, body: Buffer.from(this.#sealer.openBytes(row.answer)) };
  }

  #conflict(earlier: Claim, claim: Claim, text = callWords.idempotencyOtherBody(earlier.call)): Fault {
    const sameBody = earlier.requestHash === claim.requestHash;
    const shown = sameBody ? text : callWords.idempotencyOtherBody(earlier.call);
    return new Fault("idempotency_conflict", shown, { details: { call: earlier.call } });
  }
}

export function isKeptAnswer(claimed: Claim | KeptAnswer): claimed is KeptAnswer {
  return "body" in claimed;
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
