import type { Conversation } from "../conversation.ts";
import type { Fitting } from "../fitting.ts";

/** What one form of the protocol makes of a conversation. */
export interface Composing {
  readonly chat: Conversation;
  readonly model: string;
  readonly stream: boolean;
  /** In tokens; what the client and the budget allow, within what the model takes. */
  readonly longest: number | undefined;
  readonly fitting: Fitting;
  readonly appId: string;
}
