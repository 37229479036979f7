// stock-page: shows what is in stock.
const http = require("http");

const port = Number(process.env.PORT);

function log(level, msg, fields) {
  const entry = { level, time: new Date().toISOString(), name: "stock-page", msg, ...fields };
  process.stdout.write(JSON.stringify(entry) + "\n");
}

http
  .createServer((request, response) => {
    log("info", "request", { url: request.url, status: 200 });
    response.writeHead(200).end("{}");
  })
  .listen(port, "127.0.0.1", () => log("info", "listening", { port, node: process.version }));
