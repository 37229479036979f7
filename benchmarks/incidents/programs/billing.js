// billing: writes invoices and books them in the ledger. Logs in the manner of log4js.
const http = require("http");

const ledger = process.env.LEDGER;

function log(level, text) {
  const stamp = new Date().toISOString().replace("Z", "");
  process.stdout.write(`[${stamp}] [${level}] billing - ${text}\n`);
}

http
  .createServer((request, response) => {
    const invoice = request.url.split("/").pop();
    const finish = (status) => response.writeHead(status).end("{}");
    http
      .get(ledger, { timeout: 2000, agent: false }, (answer) => {
        answer.resume();
        log("INFO", `invoice ${invoice} booked`);
        finish(200);
      })
      .on("error", (error) => {
        log("ERROR", `invoice ${invoice} not booked: ${error.stack}`);
        finish(502);
      });
  })
  .listen(Number(process.env.PORT), "127.0.0.1", () => log("INFO", "billing 1.19.0 is up"));
