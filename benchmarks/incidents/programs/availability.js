// availability: says whether an article is in stock; asks inventory over HTTPS.
const http = require("http");
const https = require("https");

const inventory = process.env.INVENTORY;

function log(level, msg, fields) {
  const entry = { level, time: new Date().toISOString(), name: "availability", msg, ...fields };
  process.stdout.write(JSON.stringify(entry) + "\n");
}

http
  .createServer((request, response) => {
    const started = Date.now();
    const finish = (status) => {
      log("info", "request", { url: request.url, status, ms: Date.now() - started });
      response.writeHead(status).end("{}");
    };
    https
      .get(inventory, { timeout: 2000, agent: false }, (answer) => {
        answer.resume();
        finish(answer.statusCode);
      })
      .on("error", (error) => {
        log("error", "inventory failed", { code: error.code, err: error.message });
        finish(502);
      });
  })
  .listen(Number(process.env.PORT), "127.0.0.1", () => log("info", "listening", { inventory }));
