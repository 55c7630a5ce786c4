import { DRAWS, model, OWN, priceList, type Vendor } from "./vendor.ts";

/** Vendors inside this process: for trying, testing and load. Never shown as a real vendor. */

const play = priceList("USD", "Maidan's own, so that practice has a cost");

export const practice: Vendor = {
  id: "practice",
  name: { zh: "演练", en: "Practice" },
  protocol: "practice",
  environment: {},
  required: [],
  quirks: {},
  billing: OWN,
  confidence: "high",
  models: [
    model("echo", 131_072, 4_096, play({ input: "0.10", output: "0.40" })),
    model("image", 131_072, 4_096, play({ input: "0.10", output: "0.40", perImage: "0.001" }), DRAWS),
  ],
};

export const recorded: Vendor = {
  id: "recorded",
  name: { zh: "录制的回答", en: "Recorded answers" },
  protocol: "recorded",
  environment: {},
  required: [],
  quirks: {},
  billing: OWN,
  confidence: "high",
  models: [],
};
