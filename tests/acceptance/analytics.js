// Makes calls with Segment's own library: node analytics.js PACKAGES HOST WRITE_KEY < [[method, message], …]
const [packages, host, writeKey] = process.argv.slice(2);
const { Analytics } = require(`${packages}/node_modules/@segment/analytics-node`);

const analytics = new Analytics({ writeKey, host, maxRetries: 0 });
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
for (const [method, message] of JSON.parse(require("fs").readFileSync(0, "utf8"))) analytics[method](message);
analytics.closeAndFlush();
