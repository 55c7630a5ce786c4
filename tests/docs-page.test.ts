import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, chromium as playwright } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningMaidan, startMaidan } from "./harness/maidan.ts";

/** Issue: "with OpenAPI served and browsable". A real browser opens the page and asks the server through it. */
describe("/docs in a browser", () => {
  let maidan: RunningMaidan;
  let browser: Browser;

  beforeAll(async () => {
    maidan = await startMaidan();
    const home = join(tmpdir(), "maidan-browser");
    mkdirSync(home, { recursive: true });
    browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [...chromium.args, "--no-sandbox", "--disable-gpu"],
      headless: true,
      env: { ...process.env, HOME: home } as Record<string, string>,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await maidan?.stop();
  });

  it("lists the operations, loads nothing from elsewhere, and tries one out", async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    const elsewhere: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== maidan.address) elsewhere.push(request.url());
    });
    await page.goto(`${maidan.address}/docs`, { waitUntil: "load" });
    await page.waitForSelector(".opblock");
    const operations = await page.locator(".opblock-summary-path").allInnerTexts();
    const paths = operations.map((text) => text.replace(/\u200b/g, ""));
    for (const path of ["/budgets", "/payers", "/keys", "/usage", "/statements", "/unsettled"]) {
      expect(
        paths.some((one) => one.endsWith(path)),
        path,
      ).toBe(true);
    }
    await page.locator("button.authorize").first().click();
    await page.locator(".auth-container input").first().fill("admin-key-of-the-tests");
    await page.locator(".auth-btn-wrapper button.authorize").first().click();
    await page.locator(".auth-btn-wrapper button.btn-done").first().click();
    const block = page.locator(".opblock-get", { has: page.locator('.opblock-summary-path[data-path$="/budgets"]') });
    await block.locator(".opblock-summary").click();
    await block.locator("button.try-out__btn").click();
    await block.locator("button.execute").click();
    await page.waitForFunction(() => {
      const texts = (
        globalThis as unknown as { document: { querySelectorAll(s: string): Iterable<{ textContent: string }> } }
      ).document;
      return [...texts.querySelectorAll(".live-responses-table")].some((one) =>
        one.textContent.includes("first-total"),
      );
    });
    expect(problems).toEqual([]);
    expect(elsewhere).toEqual([]);
  });

  it("describes itself as OpenAPI 3, with every path of the operators' API", async () => {
    const { openapi, paths } = JSON.parse((await maidan.ask("/openapi.json", undefined)).body.toString());
    expect(openapi).toMatch(/^3\./);
    const names = Object.keys(paths).join(" ");
    for (const name of [
      "apply",
      "export",
      "prices",
      "rates",
      "routes",
      "endpoints",
      "calls",
      "entries",
      "audit",
      "doctor",
    ]) {
      expect(names).toContain(`/${name}`);
    }
  });
});
