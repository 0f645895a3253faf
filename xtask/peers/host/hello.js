// A service that says hello.
const http = require("node:http");

const server = http.createServer((_, response) => {
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.end("hello\n");
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listens on 127.0.0.1:${server.address().port}`);
});
