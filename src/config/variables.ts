/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Substituted {
  readonly text: string;
  /** Names that were asked for, whether they are set or not. */
  readonly names: readonly string[];
  /** Names that are not set, or empty. */
  readonly missing: readonly string[];
  /** A `${` that no name and `}` follow. */
  readonly malformed: boolean;
}

const VARIABLE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g;

/** Replaces `${NAME}` by the variable's value. `$${` stands for the characters `${` themselves. */
export function substitute(text: string, environment: Environment): Substituted {
  if (!text.includes("${")) return { text, names: [], missing: [], malformed: false };
  const names: string[] = [];
  const missing: string[] = [];
  let malformed = false;
  const replaced = text.replace(VARIABLE, (found, name: string | undefined) => {
    if (name === undefined) {
      malformed ||= found === "${";
      return "${";
    }
    names.push(name);
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (!value) missing.push(name);
    return value ?? "";
  });
  return { text: replaced, names, missing, malformed };
}

/** Writes a text so that `substitute` gives it back as it is. */
export function escapeVariables(text: string): string {
  return text.replaceAll("${", "$$${");
}
