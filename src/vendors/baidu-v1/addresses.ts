/** Where the platform's interface of this name begins. */
export const DEFAULT_ADDRESS = "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop";

const TOKEN_PATH = "/oauth/2.0/token";
const INTERFACE = "/rpc/2.0/";

/** The last part of a model's path, where it is not its name in small letters. Keys are in small letters. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  "ernie-4.0-8k": "completions_pro",
  "ernie-3.5-8k": "completions",
  "ernie-bot": "completions",
  "ernie-bot-turbo": "eb-instant",
  "ernie-lite-8k-0922": "eb-instant",
  "ernie-speed": "ernie_speed",
  "ernie-speed-8k": "ernie_speed",
  "ernie-lite-8k-0308": "ernie-lite-8k",
  "bloomz-7b": "bloomz_7b1",
  "stable-diffusion-xl": "sd_xl",
};

/** A model's own part of a path. A name that is such a part already stays as it is. */
export function endpointOf(model: string): string {
  const name = model.toLowerCase();
  return encodeURIComponent(ENDPOINTS[name] ?? name);
}

/** Where the tokens for an address come from: the same server, and behind the same prefix of a gateway. */
export function tokenAddress(baseUrl: string): { readonly baseUrl: string; readonly path: string } {
  const { origin, pathname } = new URL(baseUrl);
  const prefix = pathname.includes(INTERFACE) ? pathname.slice(0, pathname.indexOf(INTERFACE)) : "";
  return { baseUrl: `${origin}${prefix}`, path: TOKEN_PATH };
}
