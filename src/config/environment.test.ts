import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { Fault } from "../base/faults.ts";
import { readEnvironment } from "./environment.ts";

describe("readEnvironment", () => {
  test("defaults: this machine only, in a folder beside", () => {
    expect(readEnvironment({ LANG: "zh_CN.UTF-8" })).toEqual({
      host: "127.0.0.1",
      port: 4000,
      folder: resolve("maidan-data"),
      adminKey: undefined,
      language: "zh",
      durability: "disk",
      url: undefined,
      databaseUrl: undefined,
      logLevel: "info",
    });
  });

  test("every variable", () => {
    const settings = readEnvironment({
      MAIDAN_HOST: "[::1]",
      MAIDAN_PORT: "0",
      MAIDAN_DATA: "/var/lib/maidan",
      MAIDAN_ADMIN_KEY: "an-admin-key-of-mine",
      MAIDAN_LANG: "en",
      MAIDAN_DURABILITY: "process",
      MAIDAN_URL: "https://maidan.example/",
      MAIDAN_DATABASE_URL: "postgresql://maidan:p%40ss@db.example:5433/maidan?sslmode=verify-full",
      MAIDAN_LOG: "WARN",
      LANG: "zh_CN.UTF-8",
    });
    expect(settings).toEqual({
      host: "::1",
      port: 0,
      folder: "/var/lib/maidan",
      adminKey: "an-admin-key-of-mine",
      language: "en",
      durability: "process",
      url: "https://maidan.example",
      databaseUrl: "postgresql://maidan:p%40ss@db.example:5433/maidan?sslmode=verify-full",
      logLevel: "warn",
    });
  });

  test.each([
    ["MAIDAN_PORT", "65536"],
    ["MAIDAN_PORT", "40x"],
    ["MAIDAN_PORT", "-1"],
    ["MAIDAN_PORT", ""],
    ["MAIDAN_HOST", "http://127.0.0.1"],
    ["MAIDAN_HOST", "two words"],
    ["MAIDAN_DATA", " "],
    ["MAIDAN_ADMIN_KEY", "short"],
    ["MAIDAN_ADMIN_KEY", "with spaces in it, many"],
    ["MAIDAN_LANG", "fr"],
    ["MAIDAN_DURABILITY", "memory"],
    ["MAIDAN_URL", "maidan.example"],
    ["MAIDAN_LOG", "loud"],
    ["MAIDAN_DATABASE_URL", "mysql://localhost/maidan"],
    ["MAIDAN_DATABASE_URL", "localhost/maidan"],
    ["MAIDAN_DATABASE_URL", "postgres://localhost"],
    ["MAIDAN_DATABASE_URL", "postgres://user:100%@localhost/maidan"],
    ["MAIDAN_DATABASE_URL", "postgres://user:p/w@localhost/maidan"],
    ["MAIDAN_DATABASE_URL", ""],
  ])("%s=%s is refused by name", (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(Fault);
    expect(() => readEnvironment({ [name]: value })).toThrow(name);
  });

  test.each(["postgres://localhost/maidan", "postgres:///maidan?host=/run/postgresql", "postgres://u:p@[::1]:1/m"])(
    "%s names a database",
    (url) => {
      expect(readEnvironment({ MAIDAN_DATABASE_URL: url }).databaseUrl).toBe(url);
    },
  );

  test("no password stands in the refusal of a database", () => {
    expect(() => readEnvironment({ MAIDAN_DATABASE_URL: "http://u:the-password@h/d" })).not.toThrow("the-password");
  });

  test("no admin key stands in the refusal of it", () => {
    expect(() => readEnvironment({ MAIDAN_ADMIN_KEY: "tiny-key" })).not.toThrow("tiny-key");
  });
});
