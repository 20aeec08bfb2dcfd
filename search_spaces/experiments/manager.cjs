// Two things that NNI's manager has no option for. NODE_OPTIONS="--require=.../manager.cjs" loads this
// before it; NNI itself stays as it is.
"use strict";

// 1. It listens on every interface and asks nobody for a password. Every server that names no address
// of its own gets 127.0.0.1, where nnictl looks for it. Workers on other machines need one more: what
// reaches ERSAM_NNI_HOST is passed on.
const net = require("node:net");
const LOOPBACK = "127.0.0.1";
const outside = process.env.ERSAM_NNI_HOST || LOOPBACK;
const listen = net.Server.prototype.listen;

function passOn(port) {
  const relay = net.createServer((caller) => {
    const manager = net.connect(port, LOOPBACK);
    caller.on("error", () => manager.destroy());
    manager.on("error", () => caller.destroy());
    caller.pipe(manager).pipe(caller);
  });
  relay.listen(port, outside).unref();
}

net.Server.prototype.listen = function (...args) {
  const port = Number(args[0]);
  if (args[0] === null || args[0] === "" || Number.isNaN(port) || typeof args[1] === "string") {
    return listen.apply(this, args); // a path, an address of its own, or options
  }
  if (outside !== LOOPBACK) {
    passOn(port);
  }
  return listen.call(this, port, LOOPBACK, ...args.slice(1));
};

// 2. It gives up on the tuner after ten seconds, which a busy machine needs to start Python.
const TUNER_WITHIN_MS = 10000;
const realSetTimeout = globalThis.setTimeout;

globalThis.setTimeout = function (callback, ms, ...args) {
  const patient = ms === TUNER_WITHIN_MS && new Error().stack.includes("tuner_command_channel");
  return realSetTimeout(callback, patient ? 12 * ms : ms, ...args);
};
