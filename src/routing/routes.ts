import { Fault } from "../base/faults.ts";
import { routingWords } from "../base/messages/call.ts";
import type { Catalogue, ModelOffer } from "../catalogue/catalogue.ts";
import type { RouteFault, RouteSetting } from "../config/settings.ts";
import type { VendorErrorClass } from "../vendors/spec.ts";
import type { EndpointHealth } from "./health.ts";

const DEFAULT_ON: readonly RouteFault[] = ["error", "timeout", "rate_limit"];

/** Which classes of vendor errors each word of a route's `on` covers. */
const CLASSES: Record<RouteFault, readonly VendorErrorClass[]> = {
  error: ["server_error", "overloaded", "auth", "permission", "billing"],
  timeout: ["timeout"],
  rate_limit: ["rate_limit", "quota"],
  overloaded: ["overloaded"],
  auth: ["auth", "permission", "billing"],
  not_found: ["not_found"],
  context_length: ["context_length"],
};

/** How a call may go: models in the order in which they are tried, and what moves it on to the next. */
export interface Plan {
  /** The route's id, or `endpoint/model` where the client named a model directly. */
  readonly route: string;
  readonly models: readonly ModelOffer[];
  readonly movesOn: ReadonlySet<VendorErrorClass>;
  /** Tries of one model before the next. */
  readonly tries: number;
}

/** The model names that clients may ask for, from one state of the settings. */
export class Routes {
  readonly #catalogue: Catalogue;
  readonly #settings: readonly RouteSetting[];
  readonly #plans = new Map<string, Plan>();

  constructor(settings: readonly RouteSetting[], catalogue: Catalogue) {
    this.#catalogue = catalogue;
    this.#settings = settings;
    for (const route of settings) this.#plans.set(route.id, this.#planRoute(route));
  }

  /** Throws `model_not_found`, with the nearest names, where no route and no model is called `name`. */
  plan(name: string): Plan {
    const known = this.#plans.get(name);
    if (known) return known;
    const model = this.#model(name);
    if (!model) {
      const nearest = this.#catalogue.nearest(
        name,
        this.#settings.map((route) => route.id),
      );
      throw new Fault("model_not_found", routingWords.modelNotFound(name, nearest), {
        param: "model",
        details: { nearest },
      });
    }
    // Models told by vendors at run time come and go with the catalogue, so only names that exist are remembered.
    const plan: Plan = { route: name, models: [model], movesOn: new Set(), tries: 1 };
    this.#plans.set(name, plan);
    return plan;
  }

  /** Every name a client may use: routes first, then models. */
  names(): string[] {
    return [...this.#settings.map((route) => route.id), ...this.#catalogue.models().map((model) => model.ref)];
  }

  #model(ref: string): ModelOffer | undefined {
    const slash = ref.indexOf("/");
    return slash > 0 ? this.#catalogue.model(ref.slice(0, slash), ref.slice(slash + 1)) : undefined;
  }

  #planRoute(route: RouteSetting): Plan {
    const models = route.to.map((ref) => {
      const model = this.#model(ref);
      if (!model) throw new Fault("invalid_request", routingWords.routeTargetMissing(route.id, ref));
      return model;
    });
    const movesOn = new Set<VendorErrorClass>(["unsupported"]);
    for (const word of route.on ?? DEFAULT_ON) for (const errorClass of CLASSES[word]) movesOn.add(errorClass);
    return { route: route.id, models, movesOn, tries: route.tries ?? 1 };
  }
}

/** The models of a plan, those whose endpoint rests at the end. */
export function orderByHealth(models: readonly ModelOffer[], health: EndpointHealth): readonly ModelOffer[] {
  if (models.length === 1) return models;
  const ready: ModelOffer[] = [];
  const resting: ModelOffer[] = [];
  for (const model of models) (health.available(model.endpoint.id) ? ready : resting).push(model);
  return [...ready, ...resting];
}
