// Lints an SDL by graphql-eslint's schema-recommended and relay rules; prints what they find, as JSON,
// and which of the exceptions below are for nothing.
// node lint.mjs ../../schema/schema.graphql
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import plugin from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";

// Where the house does otherwise, and why.
const OPTIONS = {
  "@graphql-eslint/relay-edge-types": {
    // Relay does not ask for it, and the contract has lists that are bounded by set-up or a limit: the lines of a
    // request, the access entries of a ticket, refusals. A connection of three would be three levels for nothing.
    listTypeCanWrapOnlyEdgeType: false,
    withEdgeSuffix: true,
    shouldImplementNode: true,
  },
  "@graphql-eslint/strict-id-in-types": {
    exceptions: {
      suffixes: ["Connection", "Edge", "Payload"], // what is told of an answer, not of a thing
      types: [
        // What was worked out for this answer: nobody can ask for it again.
        "AdmissionCheck",
        "AdmissionDay",
        "AdmissionExplanation",
        "Availability",
        "AvailableAction",
        "Finding",
        "FindHit",
        "FindResult",
        "Refusal",
        "RescheduleOutcome",
        "RoleCenter",
        "SlotEffect",
        "Viewer",
        // Values, equal when they are alike.
        "AdmissionDependency",
        "CalendarLine",
        "Money",
        "PageInfo",
        "SlotStanding",
      ],
    },
  },
};
const WAIVERS = [
  {
    rule: "require-description",
    message: 'Description is required for directive "oneOf"',
    reason: "The specification's own; Strawberry prints it, and gives no way to describe it.",
  },
  {
    rule: "no-typename-prefix",
    message: 'Field "customerNo" starts with the name of the parent type "Customer"',
    reason: "The contract's: on every type that names a customer the number is called so, on their own too.",
  },
  {
    rule: "naming-convention",
    message: 'Type "TicketType" should not have "Type" suffix',
    reason: "The contract's, and the field's word: tickets are of ticket types.",
  },
  {
    rule: "relay-edge-types",
    message: "Edge type's field `node` must implement `Node` interface.",
    place: "AvailabilityEdge",
    reason: "An availability is worked out for one buyer at one moment, and has no id.",
  },
];

const [path] = process.argv.slice(2).map((given) => resolve(given));
const text = readFileSync(path, "utf-8");
const presets = [plugin.configs["flat/schema-recommended"], plugin.configs["flat/schema-relay"]];
const rules = Object.assign({}, ...presets.map((preset) => preset.rules));
for (const [rule, options] of Object.entries(OPTIONS)) rules[rule] = ["error", options];
const eslint = new ESLint({
  cwd: resolve("/"),
  overrideConfigFile: true,
  overrideConfig: {
    files: ["**/*.graphql"],
    plugins: { "@graphql-eslint": plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: path } } },
    rules,
  },
});
const [result] = await eslint.lintText(text, { filePath: path });
const lines = text.split("\n");
const used = new Set();
const problems = [];
for (const { ruleId, message, line } of result.messages) {
  const rule = (ruleId ?? "").replace("@graphql-eslint/", "");
  const waiver = WAIVERS.find(
    (one) => one.rule === rule && one.message === message && (!one.place || lines[line - 1].includes(one.place)),
  );
  if (waiver) used.add(waiver);
  else problems.push(`${line}: ${message} (${rule})`);
}
const unused = WAIVERS.filter((waiver) => !used.has(waiver)).map((waiver) => waiver.message);
const { types } = OPTIONS["@graphql-eslint/strict-id-in-types"].exceptions;
unused.push(...types.filter((name) => !text.includes(`\ntype ${name} `)));
console.log(JSON.stringify({ rules: Object.keys(rules), problems, unused }));
