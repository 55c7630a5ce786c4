import { translations } from "../language.ts";

/** Messages of payers and keys. */
export const payerWords = translations(
  {
    unknownKey: () => "This API key is not known. Check it, or ask whoever gave it to you for a new one.",
    revokedKey: (key: string, when: string) => `API key "${key}" was revoked on ${when}. Ask for a new one.`,
    expiredKey: (key: string, when: string) => `API key "${key}" expired on ${when}. Ask for a new one.`,
    unknownPayer: (payer: string) => `There is no payer "${payer}".`,
    unknownParent: (payer: string, parent: string) =>
      `The parent of payer "${payer}" is "${parent}", which does not exist.`,
    cycle: (payers: string) => `Payers stand in a circle: ${payers}. One of them must be the root.`,
    keyWithoutPayer: (key: string, payer: string) =>
      `Key "${key}" belongs to the payer "${payer}", which does not exist.`,
  },
  {
    unknownKey: () => "无法识别此 API 密钥。请检查，或向发放者索取新的密钥。",
    revokedKey: (key, when) => `API 密钥“${key}”已于 ${when} 吊销。请索取新的密钥。`,
    expiredKey: (key, when) => `API 密钥“${key}”已于 ${when} 过期。请索取新的密钥。`,
    unknownPayer: (payer) => `没有付款方“${payer}”。`,
    unknownParent: (payer, parent) => `付款方“${payer}”的上级“${parent}”不存在。`,
    cycle: (payers) => `付款方形成了环：${payers}。其中之一必须是根。`,
    keyWithoutPayer: (key, payer) => `密钥“${key}”属于付款方“${payer}”，但它不存在。`,
  },
);
