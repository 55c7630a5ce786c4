import type { Text } from "../base/language.ts";
import { httpWords } from "../base/messages/http.ts";
import type { Control } from "../control/control.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { OfferedVendor, StartedServer } from "./spec.ts";

const MODELS_SHOWN = 3;

/** Endpoints that can be called now. */
export function offeredVendors(control: Control): OfferedVendor[] {
  const { catalogue } = control.snapshot();
  const models = catalogue.models();
  return catalogue
    .endpoints()
    .filter((endpoint) => endpoint.missingCredentials.length === 0)
    .map((endpoint) => {
      const own = models.filter((model) => model.endpoint.id === endpoint.id).map((model) => model.ref);
      const source = endpoint.baseUrl ?? endpoint.suites ?? "";
      return { id: endpoint.id, source, models: own.slice(0, MODELS_SHOWN), modelCount: own.length };
    });
}

/** Vendors of the catalogue that only want a credential. */
export function otherVendors(control: Control): StartedServer["otherVendors"] {
  const { catalogue } = control.snapshot();
  const used = new Set(catalogue.endpoints().map((endpoint) => endpoint.vendor));
  return catalogue.vendors.all
    .filter(({ id, required, sameAs }) => required.length > 0 && sameAs === undefined && !used.has(id))
    .map(({ name, required, environment }) => ({ name, variables: required.flatMap((one) => environment[one] ?? []) }))
    .filter(({ variables }) => variables.length > 0);
}

/** What the person who starts Maidan should know. */
export function notesOf(
  ledger: Ledger,
  ofStore: readonly Text[],
  ofSettings: readonly { readonly text: Text }[],
): Text[] {
  const { crashed, unsettled, problems } = ledger.recovery;
  const doubt = unsettled > 0 ? [httpWords.recovered(crashed.length, unsettled)] : [];
  return [...ofStore, ...doubt, ...problems, ...ofSettings.map((warning) => warning.text)];
}
