import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VENDORS } from "../../catalogue/vendors/table.ts";
import { Office } from "./office.suite.ts";

let office: Office;
beforeAll(async () => {
  office = await Office.open();
});
afterAll(() => office.close());

const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id);

describe("catalogue", () => {
  test("every vendor's models, page by page, each once and with what is known", async () => {
    const all: string[] = [];
    let cursor = "";
    do {
      const page = await office.get(`catalogue?limit=40${cursor}`);
      all.push(...ids(page));
      cursor = page.next && `&cursor=${page.next}`;
    } while (cursor);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual([...all].sort());
    const models = VENDORS.filter(({ sameAs }) => sameAs === undefined).flatMap(({ id, models }) =>
      models.map((model) => `${id}/${model.id}`),
    );
    expect(models.filter((ref) => !all.includes(ref))).toEqual([]);
  });

  test("is filtered", async () => {
    const page = await office.get("catalogue?vendor=alibaba&tools=true&q=max&currency=CNY");
    expect(page.items.length).toBeGreaterThan(1);
    for (const item of page.items) {
      expect(item).toMatchObject({ vendor: "alibaba", tools: true, price: { currency: "CNY" } });
      expect(item.price.source).toBeTruthy();
    }
    const large = await office.get("catalogue?large=tenBillion&limit=200");
    expect(large.items.length).toBeGreaterThan(3);
    for (const item of large.items) expect(item.size.total ?? item.size.active).toBeGreaterThanOrEqual(10e9);
  });

  test("compares what was named, in its order", async () => {
    const refs = ["practice/echo", "alibaba/qwen3-max"];
    expect(ids(await office.get(`catalogue?compare=${refs.join(",")}`))).toEqual(refs);
    const { error } = await office.get("catalogue?compare=alibaba/qwen3-mx", {}, 404);
    expect(error.nearest[0]).toBe("alibaba/qwen3-max");
    expect((await office.get("catalogue?compare=practice/echo&q=a", {}, 400)).error.param).toBe("q");
  });

  test("a filter that is none, or a vendor that is none, is told with the nearest", async () => {
    const { error } = await office.get("catalogue?modaliti=image", {}, 400);
    expect(error.message).toContain("modality");
    expect((await office.get("catalogue?vendor=alibabba", {}, 404)).error.nearest).toContain("alibaba");
    await office.get("catalogue?large=huge", {}, 400);
  });
});

describe("vendors", () => {
  test("all of them, and by words of their names", async () => {
    const { items } = await office.get("vendors?limit=200");
    expect(ids({ items }).sort()).toEqual(VENDORS.map(({ id }) => id).sort());
    expect(ids(await office.get(`vendors?q=${encodeURIComponent("千帆")}`))).toEqual(["baidu"]);
  });

  test.each(VENDORS.map(({ id }) => id))("%s, whole", async (id) => {
    const vendor = await office.get(`catalogue/${id}`);
    expect(vendor).toMatchObject({ id, protocols: expect.any(Array), models: expect.any(Array) });
    for (const { credentials } of vendor.protocols) {
      for (const { name } of credentials) expect(name).toMatch(/^[a-zA-Z]+$/);
    }
  });

  test("one that is none is told with the nearest, in the language asked for", async () => {
    const { error } = await office.get("catalogue/deepseak", { headers: { "accept-language": "zh" } }, 404);
    expect(error).toMatchObject({ code: "not_found", nearest: ["deepseek"] });
    expect(error.message).toContain("目录中没有厂商");
  });
});
