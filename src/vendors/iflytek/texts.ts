import { iflytekWords as words } from "../../base/messages/iflytek.ts";
import type { AssistantPart, UserPart } from "../conversation.ts";
import { unsupported } from "../translation/unsupported.ts";

/** The texts of a message as one. Throws `unsupported` for pictures, sound and files. */
export function plainText(parts: readonly (UserPart | AssistantPart)[]): string {
  return parts
    .map((part) => {
      if (part.type === "text") return part.text;
      throw unsupported(words.noMedia(), "messages");
    })
    .join("");
}
