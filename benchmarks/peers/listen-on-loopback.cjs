// A peer listens where it likes; the benchmark lets it listen on loopback only, on a free port, and says which.
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...parameters) {
  const done = parameters.find((one) => typeof one === "function");
  return listen.call(this, { port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
    process.stderr.write(`listening on ${this.address().port}\n`);
    done?.();
  });
};
