/** The languages in which Maidan speaks to people. Codes and identifiers are never translated. */
export type Language = "en" | "zh";

/** A message that a person will read, rendered in their language when it is shown. */
export type Text = (language: Language) => string;

/**
 * Declares the messages of one area in both languages. A message missing in one of them does not compile.
 *
 * @example
 * const words = translations(
 *   { greeting: (name: string) => `Hello, ${name}` },
 *   { greeting: (name) => `你好，${name}` },
 * );
 * words.greeting("Ada")("zh"); // 你好，Ada
 */
export function translations<M extends Record<string, (...parameters: never[]) => string>>(
  en: M,
  zh: { readonly [K in keyof M]: (...parameters: Parameters<M[K]>) => string },
): { readonly [K in keyof M]: (...parameters: Parameters<M[K]>) => Text } {
  const texts: Record<string, (...parameters: never[]) => Text> = {};
  for (const key of Object.keys(en)) {
    texts[key] =
      (...parameters) =>
      (language) =>
        (language === "zh" ? zh : en)[key]!(...(parameters as never));
  }
  return texts as { readonly [K in keyof M]: (...parameters: Parameters<M[K]>) => Text };
}

/** The language asked for by `MAIDAN_LANG`, else by the system's locale, else English. */
export function languageOf(environment: Readonly<Record<string, string | undefined>>): Language {
  const asked = environment.MAIDAN_LANG ?? environment.LC_ALL ?? environment.LC_MESSAGES ?? environment.LANG ?? "";
  return asked.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The language preferred by an `Accept-Language` header, or `fallback` where it names neither. */
export function languageOfHeader(header: string | undefined, fallback: Language): Language {
  const match = header?.toLowerCase().match(/\b(zh|en)\b/);
  return match ? (match[1] as Language) : fallback;
}
