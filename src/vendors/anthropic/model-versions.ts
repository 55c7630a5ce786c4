/**
 * What models of Claude take differs by their version, which stands in their names: `claude-opus-4-8`, `claude-sonnet-5`,
 * `claude-3-7-sonnet-20250219`. Models of other vendors that speak this protocol have none.
 */
function versionOf(model: string): number | undefined {
  const named = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model);
  return named ? Number(named[1]) * 100 + Number(named[2] ?? 0) : undefined;
}

/** Claude 4.6 and later decide themselves how much to think. */
export function isAdaptive(model: string): boolean {
  return (versionOf(model) ?? 0) >= 406;
}

/** Claude 4.7 and later refuse `temperature`, `top_p` and `top_k`. */
export function refusesSampling(model: string): boolean {
  return (versionOf(model) ?? 0) >= 407;
}

/** Claude 4 refuses `temperature` beside `top_p`. */
export function takesOneOfTemperatureAndTopP(model: string): boolean {
  return (versionOf(model) ?? 0) >= 400;
}
