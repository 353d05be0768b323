// configurable-http-proxy, which shows a student's server only to who carries its key.
//
// Hub and students' servers have one address, so a page of a student's server may do in a browser whatever the visitor's
// login may. A request for a server therefore needs its owner's key in a cookie, which the hub gives (lumihub/hub/gate.py),
// or a token and no cookie of a browser that is logged in: scripts come so. JupyterLab's pages send a token with what they
// ask for, but must get the key, too, for their websockets come without a token. All others get the hub.
//
// A service worker would stay in a browser that several people share, between the next one there and the hub: no page of a
// student's server gets one.
//
//     node gate.mjs OPTION...
//
// Its options are those of configurable-http-proxy.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { ConfigurableProxy } from "configurable-http-proxy";

const COOKIE = "lumihub-server";
// See lumihub/hub/server_keys.py, which makes the same keys and names.
const HTTPS_PREFIX = "__Host-";
const LABEL = "lumihub-server:";
const BROWSER_COOKIE = "jupyterhub-session-id";
const TOKEN = /^(token|bearer)\s+\S/i;

const secret = process.env.CONFIGPROXY_AUTH_TOKEN;
if (!secret) {
  console.error("CONFIGPROXY_AUTH_TOKEN is not set: without it no key can be checked");
  process.exit(1);
}

const findTarget = ConfigurableProxy.prototype.targetForReq;

ConfigurableProxy.prototype.targetForReq = async function (request) {
  const match = await findTarget.call(this, request);
  let route = match && (await this._routes.getTarget(match.prefix));
  while (route && !mayPass(request, route.data.user)) {
    route = route.prefix === "/" ? undefined : await this._routes.getTarget(parentOf(route.prefix));
  }
  return route && { prefix: route.prefix, target: route.data.target };
};

// Whether a request is let through to a route of this user's; one that is nobody's is open.
function mayPass(request, user) {
  if (user === undefined) {
    return true;
  }
  // Browsers say so when they ask for the script of one, and pages can't leave it out.
  if (request.headers["service-worker"] !== undefined) {
    return false;
  }
  if (TOKEN.test(request.headers.authorization ?? "") && findCookies(request, BROWSER_COOKIE).length === 0) {
    return true;
  }
  // Of two keys, one may be from somebody who wants a server of theirs to be shown.
  const keys = findCookies(request, isHttps(request) ? HTTPS_PREFIX + COOKIE : COOKIE);
  return keys.length === 1 && isSame(keys[0], createHmac("sha256", secret).update(LABEL + user).digest("hex"));
}

function findCookies(request, name) {
  const begin = `${name}=`;
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(begin)).map((pair) => pair.slice(begin.length));
}

// What the browser spoke, be it with this proxy or with one before it; the hub, too, takes the first word. Of websockets
// some proxies say wss.
function isHttps(request) {
  const first = (request.headers["x-forwarded-proto"] ?? "").split(",")[0].trim().toLowerCase();
  return first ? ["https", "wss"].includes(first) : Boolean(request.socket.encrypted);
}

function isSame(given, wanted) {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function parentOf(prefix) {
  return prefix.slice(0, prefix.lastIndexOf("/")) || "/";
}

// Its command line as it is; the package has no other way to it.
const program = createRequire(import.meta.url).resolve("configurable-http-proxy/bin/configurable-http-proxy");
await import(pathToFileURL(program));
