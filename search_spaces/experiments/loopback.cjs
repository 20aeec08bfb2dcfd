// NNI's manager listens on every interface and asks nobody for a password. Loaded before it by
// NODE_OPTIONS="--require=.../loopback.cjs", this gives every server that names no address of its
// own the one in ERSAM_NNI_HOST, or 127.0.0.1. NNI itself stays as it is.
"use strict";
const net = require("node:net");
const host = process.env.ERSAM_NNI_HOST || "127.0.0.1";
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
  const [first, second] = args;
  if (first !== null && typeof first === "object" && "port" in first && !first.host) {
    return listen.call(this, { ...first, host }, ...args.slice(1));
  }
  const isPort = typeof first === "number" || (typeof first === "string" && /^\d+$/.test(first));
  if (isPort && typeof second !== "string") {
    return listen.call(this, first, host, ...args.slice(1));
  }
  return listen.apply(this, args);
};
