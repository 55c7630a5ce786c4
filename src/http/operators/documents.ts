import { Fault } from "../../base/faults.ts";
import { changeWords } from "../../base/messages/config.ts";
import { nearest } from "../../base/nearest.ts";
import { type DocumentOf, idOf, type SettingKind } from "../../config/settings.ts";
import type { OperatorsDependencies } from "./dependencies.ts";

/** A setting by its id. Throws `not_found`, with the nearest ids. */
export function findDocument<K extends SettingKind>(
  control: OperatorsDependencies["control"],
  kind: K,
  id: string,
): DocumentOf<K> {
  const documents = control.snapshot().settings[kind] as readonly DocumentOf<K>[];
  const found = documents.find((document) => idOf(kind, document) === id);
  if (found) return found;
  const near = nearest(
    id,
    documents.map((document) => idOf(kind, document)),
  );
  throw new Fault("not_found", changeWords.notFound(kind, id, near), { details: { nearest: near } });
}
