// biome-ignore lint/suspicious/noExplicitAny: a request is looked at whatever it holds
type Loose = any;

/** The signature of the simulated model's calls. */
export const SIGNATURE = Buffer.from("signed by nobody").toString("base64");
/** What Google documents for calls that its model has not made. */
const UNSIGNED: ReadonlySet<string> = new Set([
  "skip_thought_signature_validator",
  "context_engineering_is_the_way_to_go",
]);

const FIELDS: ReadonlySet<string> = new Set([
  "contents",
  "systemInstruction",
  "tools",
  "toolConfig",
  "safetySettings",
  "generationConfig",
  "cachedContent",
  "labels",
]);
const CONFIG_FIELDS: ReadonlySet<string> = new Set([
  "stopSequences",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "responseModalities",
  "candidateCount",
  "maxOutputTokens",
  "temperature",
  "topP",
  "topK",
  "seed",
  "presencePenalty",
  "frequencyPenalty",
  "responseLogprobs",
  "logprobs",
  "speechConfig",
  "thinkingConfig",
  "imageConfig",
  "mediaResolution",
]);
const PART_KINDS = ["text", "inlineData", "fileData", "functionCall", "functionResponse"] as const;
const MOST_STOPS = 5;
const TOOL_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** What Google's server refuses with INVALID_ARGUMENT: its words. Undefined where the request is well-formed. */
export function checkGenerate(body: Loose): string | undefined {
  return (
    unknownName(body, FIELDS, "") ??
    unknownName(body.generationConfig ?? {}, CONFIG_FIELDS, " at 'generation_config'") ??
    checkConfig(body.generationConfig ?? {}) ??
    checkTools(body) ??
    checkContents(body.contents)
  );
}

function unknownName(fields: Loose, known: ReadonlySet<string>, place: string): string | undefined {
  const other = Object.keys(fields).find((name) => !known.has(name));
  return other && `Invalid JSON payload received. Unknown name "${other}"${place}: Cannot find field.`;
}

function checkConfig({ temperature, stopSequences = [], thinkingConfig = {} }: Loose): string | undefined {
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    return "temperature must be in the range [0.0, 2.0].";
  }
  if (stopSequences.length > MOST_STOPS) return `The number of stop sequences must not exceed ${MOST_STOPS}.`;
  const { thinkingBudget, thinkingLevel } = thinkingConfig;
  if (thinkingBudget !== undefined && thinkingLevel !== undefined) {
    return "You can only set only one of thinking budget and thinking level.";
  }
  return undefined;
}

function checkTools({ tools = [], toolConfig }: Loose): string | undefined {
  const names: string[] = tools.flatMap(({ functionDeclarations = [] }: Loose) =>
    functionDeclarations.map(({ name }: Loose) => name),
  );
  const wrong = names.find((name) => !TOOL_NAME.test(name));
  if (wrong !== undefined) return `Invalid function name: ${wrong}`;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return `Duplicate function declaration found: ${twice}`;
  const { mode, allowedFunctionNames = [] } = toolConfig?.functionCallingConfig ?? {};
  if (allowedFunctionNames.length > 0 && mode !== "ANY") return "allowed_function_names requires mode ANY.";
  return undefined;
}

function checkContents(contents: Loose): string | undefined {
  if (!Array.isArray(contents) || contents.length === 0)
    return "* GenerateContentRequest.contents: contents is not specified";
  for (const [at, { role, parts }] of contents.entries()) {
    if (role !== "user" && role !== "model" && !(role === undefined && contents.length === 1)) {
      return "Please use a valid role: user, model.";
    }
    if (!Array.isArray(parts) || parts.length === 0)
      return `* contents[${at}].parts: contents.parts must not be empty.`;
    const empty = parts.findIndex((part: Loose) => !PART_KINDS.some((kind) => part[kind]));
    if (empty >= 0)
      return `* contents[${at}].parts[${empty}].data: required oneof field 'data' must have one initialized field`;
  }
  return checkTurns(contents) ?? checkSignatures(contents);
}

/** Calls follow what the user said or what tools gave back; the turn after them has as many results, by the same names. */
function checkTurns(contents: readonly Loose[]): string | undefined {
  for (const [at, content] of contents.entries()) {
    const results = partsOf(content, "functionResponse");
    const calls = partsOf(contents[at - 1], "functionCall");
    if (calls.length !== results.length && (results.length > 0 || calls.length > 0)) {
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
    }
    const names = calls.map(({ functionCall }) => functionCall.name).sort();
    if (
      results
        .map(({ functionResponse }) => functionResponse.name)
        .sort()
        .join() !== names.join()
    ) {
      return "The function response names must match the function call names.";
    }
    const isWrong = results.some(
      ({ functionResponse: { response } }) => typeof response !== "object" || response === null,
    );
    if (isWrong)
      return `Invalid value at 'contents[${at}].parts[0].function_response.response' (type.googleapis.com/google.protobuf.Struct)`;
    if (partsOf(content, "functionCall").length > 0 && contents[at - 1]?.role !== "user") {
      return "Please ensure that function call turn comes immediately after a user turn or after a function response turn.";
    }
  }
  if (partsOf(contents.at(-1), "functionCall").length > 0)
    return "Please ensure that function response turn comes immediately after a function call turn.";
  return undefined;
}

/** In the turn that goes on, the first call of each step is signed by the model that made it. */
function checkSignatures(contents: readonly Loose[]): string | undefined {
  const spoke = contents.findLastIndex(({ role, parts }) => role === "user" && parts.some(({ text }: Loose) => text));
  for (const content of contents.slice(Math.max(0, spoke))) {
    const [first] = partsOf(content, "functionCall");
    if (!first) continue;
    const signature: string | undefined = first.thoughtSignature;
    if (signature === undefined) {
      return `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Function call \`${first.functionCall.name}\`.`;
    }
    if (signature !== SIGNATURE && !UNSIGNED.has(signature)) return "Thought signature is not valid.";
  }
  return undefined;
}

function partsOf(content: Loose, kind: (typeof PART_KINDS)[number]): Loose[] {
  return (content?.parts ?? []).filter((part: Loose) => part[kind]);
}
