// PAGE TARGET: a page from elsewhere tries each way to have its browser ask for events; which of them are answered it must not learn.
import assert from "node:assert";
import { browse, openPage } from "./browser.mjs";

const [url, target] = process.argv.slice(2);
await browse(async (browser) => {
  const page = await openPage(browser, url);
  const outcomes = await page.evaluate(async (target) => {
    const source = (options) => new Promise((resolve) => {
      const source = new EventSource(target, options);
      source.onopen = () => resolve("open");
      source.onerror = () => { source.close(); resolve("refused"); };
    });
    const headers = { Accept: "text/event-stream" };
    const ask = async (options) => {
      try {
        return (await fetch(target, { headers, ...options })).type;
      } catch {
        return "refused";
      }
    };
    return [
      await source(), await source({ withCredentials: true }),
      await ask({}), await ask({ mode: "no-cors" }), await ask({ mode: "no-cors", method: "POST", body: "x" }),
    ];
  }, target);
  // An answer that no page sees is one that the server's log tells of.
  assert.deepEqual(outcomes, ["refused", "refused", "refused", "opaque", "opaque"]);
});
