import type { Question, SceneUsage } from "./scene.ts";

// biome-ignore lint/suspicious/noExplicitAny: a request is read as far as its scene needs it
type Loose = any;

export function questionOf(body: Loose): Question {
  const contents: Loose[] = body.contents;
  const parts: Loose[] = contents.flatMap((content) => content.parts);
  const lastOfModel = contents.findLastIndex(({ role }) => role === "model");
  const since: Loose[] = contents.slice(lastOfModel + 1).flatMap((content) => content.parts);
  const lastOfUser = contents.findLast(
    ({ role, parts: own }) => role !== "model" && own.some(({ text }: Loose) => text),
  );
  const functions: Loose[] = (body.tools ?? []).flatMap((tool: Loose) => tool.functionDeclarations ?? []);
  const mode = body.toolConfig?.functionCallingConfig?.mode;
  return {
    texts: [...(body.systemInstruction?.parts ?? []), ...parts].map(textOf),
    last: (lastOfUser?.parts ?? []).map(({ text = "" }: Loose) => text).join(""),
    toolResults: since.filter(({ functionResponse }) => functionResponse).map(textOf),
    tools: mode === "NONE" ? [] : functions.map(({ name }) => name),
    images: parts.filter(({ inlineData, fileData }) => inlineData ?? fileData).length,
    maxOutputTokens: body.generationConfig?.maxOutputTokens,
    stop: body.generationConfig?.stopSequences ?? [],
  };
}

/** A result that has nothing but an `output` is that text. */
function textOf({ text, functionResponse }: Loose): string {
  if (!functionResponse) return text ?? "";
  const { response } = functionResponse;
  const said = response.output ?? response.error;
  return typeof said === "string" && Object.keys(response).length === 1 ? said : JSON.stringify(response);
}

/** Cached tokens are among the prompt's; thoughts are not among the candidates'. A count of nought is left out. */
export function usageOf({ input, cachedInput, output, reasoning }: SceneUsage): object {
  const promptTokenCount = input + cachedInput;
  return {
    promptTokenCount,
    candidatesTokenCount: output,
    totalTokenCount: promptTokenCount + output + reasoning,
    ...(cachedInput > 0 && { cachedContentTokenCount: cachedInput }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  };
}

export function documentOf(model: string, candidate: object | undefined, usage: object): object {
  const candidates = candidate && [{ ...candidate, index: 0 }];
  return { candidates, usageMetadata: usage, modelVersion: model, responseId: "simulated" };
}

export function blocked(model: string, { texts }: Question): object {
  const promptTokenCount = texts.reduce((sum, text) => sum + [...text].length, 0);
  const usage = { promptTokenCount, totalTokenCount: promptTokenCount };
  return { ...documentOf(model, undefined, usage), promptFeedback: { blockReason: "PROHIBITED_CONTENT" } };
}
