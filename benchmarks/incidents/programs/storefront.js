// storefront: pages of the shop; asks pricing what a basket costs.
const http = require("http");

const port = Number(process.env.PORT);
const agent = new http.Agent({ keepAlive: false });
let requests = 0;

function log(level, msg, fields) {
  const entry = { level, time: new Date().toISOString(), name: "storefront", msg, ...fields };
  process.stdout.write(JSON.stringify(entry) + "\n");
}

function price(basket, done) {
  const options = { port: 8041, path: `/price/${basket}`, agent, timeout: 2000 };
  const request = http.get(options, (response) => {
    response.resume();
    if (response.statusCode === 200) return done(null);
    done(new Error(`pricing answered ${response.statusCode}`));
  });
  request.on("timeout", () => request.destroy(new Error("pricing: timeout of 2000 ms exceeded")));
  request.on("error", done);
}

http
  .createServer((request, response) => {
    const started = Date.now();
    const reqId = `r${(requests += 1)}`;
    price(request.url.split("/").pop(), (error) => {
      const status = error ? 502 : 200;
      if (error) log("error", "basket without prices", { reqId, err: error.message });
      log("info", "request", { reqId, url: request.url, status, ms: Date.now() - started });
      response.writeHead(status).end("{}");
    });
  })
  .listen(port, "127.0.0.1", () => log("info", "listening", { port, node: process.version }));
