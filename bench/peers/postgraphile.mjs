// PostGraphile over the tables of Gatehouse, as its documentation has it for production: nothing that is for developers,
// lists instead of connections, since no page is asked for, and answers that are put together as text.
//
//     node postgraphile.mjs SOCKET_FOLDER PORT CONNECTIONS

import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const [folder, port, connections] = process.argv.slice(2);

const pgl = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: `postgres:///gatehouse?host=${encodeURIComponent(folder)}&user=postgres`,
      poolConfig: { max: Number(connections), min: Number(connections), idleTimeoutMillis: 0 },
      schemas: ["public"],
      pubsub: false,
    }),
  ],
  schema: { defaultBehavior: "-connection +list -insert -update -delete" },
  grafserv: { graphiql: false, watch: false, outputDataAsString: true },
  grafast: { explain: false },
});

const server = createServer();
server.keepAliveTimeout = 75_000;
server.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await pgl.createServ(grafserv).addTo(server);
server.listen(Number(port), "127.0.0.1");
