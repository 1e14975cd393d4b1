// What of a released SDL the present one breaks, as JSON.
// node breaking.mjs ../../schema/released.graphql ../../schema/schema.graphql
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const [released, present] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, "utf-8")));
const today = new Date().toISOString().slice(0, 10);

// A field or a value of an enum whose deprecation was released, and names a day that is over, may go.
function isOver({ path }) {
  const [type, member] = path.split(".");
  const found = released.getType(type);
  const told = found?.getFields?.()[member] ?? found?.getValue?.(member);
  const day = /^Until (\d{4}-\d{2}-\d{2}): /.exec(told?.deprecationReason ?? "")?.[1];
  return day !== undefined && day < today;
}

const removals = new Set(["FIELD_REMOVED", "ENUM_VALUE_REMOVED", "INPUT_FIELD_REMOVED"]);
const changes = await diff(released, present);
const breaking = changes.filter(
  (change) =>
    change.criticality.level === CriticalityLevel.Breaking && !(removals.has(change.type) && isOver(change)),
);
console.log(JSON.stringify({ changes: changes.length, breaking: breaking.map((change) => change.message) }));
