// Fails when the proxy does not answer, or still serves another certificate than the one that lies there now: it reads
// its files once, so a renewed certificate takes a restart, which the kubelet then gives it.
const { X509Certificate } = require("crypto");
const { readFileSync } = require("fs");
const tls = require("tls");

const wanted = new X509Certificate(readFileSync("/etc/lumihub/tls/tls.crt")).fingerprint256;
const socket = tls.connect({ host: "localhost", port: 8443, rejectUnauthorized: false }, () => {
  const served = socket.getPeerX509Certificate().fingerprint256;
  if (served !== wanted) console.error("the certificate was renewed");
  process.exit(served === wanted ? 0 : 1);
});
socket.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
