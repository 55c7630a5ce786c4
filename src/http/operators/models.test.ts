import { afterAll, beforeAll, expect, test } from "vitest";
import { Office } from "./office.suite.ts";

let office: Office;
beforeAll(async () => {
  office = await Office.open();
});
afterAll(() => office.close());

test("every model is listed with the price in force, wherever it comes from", async () => {
  const { items } = await office.get("models");
  const ids = items.map((item: { id: string }) => item.id);
  expect(ids).toEqual([...ids].sort());
  expect(items).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: "practice/echo", price: expect.objectContaining({ currency: "USD" }) }),
      expect.objectContaining({ id: "lab/unpriced", price: null, priceId: null }),
    ]),
  );
});

test("a price set beside the endpoint takes the place of its own, from its day on", async () => {
  const of = async () => (await office.get("models?model=lab/mini")).items[0].price;
  expect(await of()).toMatchObject({ input: "0.15" });
  const price = { model: "lab/mini", currency: "CNY", input: "9", since: "2026-11-25" };
  await office.get("prices", { json: price }, 201);
  expect(await of()).toMatchObject({ currency: "USD", input: "0.15" });
  office.clock.set("2026-11-25T00:00:00Z");
  expect(await of()).toMatchObject({ currency: "CNY", input: "9" });
});

test("a name that is none is told with the nearest", async () => {
  const { error } = await office.get("models?model=lab/mnii", {}, 404);
  expect(error).toMatchObject({ code: "model_not_found", nearest: ["lab/mini"] });
});
