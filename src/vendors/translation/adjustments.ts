import type { ModelRequest, Protocol, WireRequest } from "../spec.ts";

/** What a client is told that was changed: what the vendor takes in no other way, and what only its own protocol can say. */
export function adjustmentsOf(
  { passage }: Protocol,
  request: ModelRequest,
  { adjusted }: WireRequest,
): readonly string[] | undefined {
  if (passage?.dialect === request.dialect.id) return adjusted;
  const content = request.content();
  const leftOut = (content.operation === "chat" ? content.leftOut : undefined) ?? [];
  return [...(adjusted ?? []), ...leftOut.map((name) => `-${name}`)];
}
