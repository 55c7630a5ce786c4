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

/** Whether a variable has a value: an empty one is as good as none. */
export function isSet(environment: Environment, name: string | undefined): boolean {
  return name !== undefined && Object.hasOwn(environment, name) && !!environment[name];
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
    if (isSet(environment, name)) return environment[name]!;
    missing.push(name);
    return "";
  });
  return { text: replaced, names, missing, malformed };
}

/** Writes a text so that `substitute` gives it back as it is. */
export function escapeVariables(text: string): string {
  return text.replaceAll("${", "$$${");
}
