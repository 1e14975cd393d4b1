// Audits a server against the specification of GraphQL over HTTP: node audits.mjs <url> <key>
// Prints a JSON list of [id, name, status, reason]; a status other than "ok" is a failure.
import { auditServer } from 'graphql-http';

const [url, key] = process.argv.slice(2);

const results = await auditServer({
  url,
  fetchFn: (address, options = {}) =>
    fetch(address, { ...options, headers: { ...options.headers, authorization: `Bearer ${key}` } }),
});
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => [id, name, status, reason])));
