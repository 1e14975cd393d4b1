// The support desk's page around GraphiQL: the API key, the ready-made questions and the notices.
//
// Nothing outlives the browser tab: key, queries and history lie in sessionStorage, because queries hold customers'
// e-mails and a desk is shared. Answers are not stored at all.
"use strict";

const configuration = JSON.parse(document.getElementById("configuration").textContent);
const element = (id) => document.getElementById(id);
const h = React.createElement;

const KEY = "gatehouse:key";
const GRAPHIQL_PREFIX = "graphiql:";
const TABS = "graphiql:tabState";
const FIRST_VARIABLES = "graphiql:variables";
const JSON_MEDIA_TYPES = "application/graphql-response+json, application/json";

const NO_KEY = "There is no API key yet, so the server answers nothing. Enter your key at the top right and press “Use key”.";
const KEY_REFUSED =
  "The server does not accept this API key: it is mistyped, has expired or was revoked. " +
  "Enter it again at the top right, or ask your administrator for a new one.";
const NOT_A_KEY = "This cannot be an API key: keys have no blanks and no accented letters. Copy it again, without the text around it.";
const NOT_REACHED = "The server was not reached. Check the network; if other pages work, tell your administrator. Then ask again.";
const BROKEN_OFF =
  "The server has ended the connection: it restarts, or this page took off too slowly. Ask again; " +
  "with the last cursor as “after” nothing is missed.";
const NO_QUESTIONS = "The ready-made questions could not be loaded. Reload the page; until then write your own.";

// ---------------------------------------------------------------------------------------------- notices

// Milliseconds from the end of a notice to its disappearance. The page moves up then, and must not do so under a click:
// leaving the key field by pressing "Execute" is what ends the notice that there is no key.
const NOTICE_LINGERS = 300;

let noticeText = null;
let noticeTimer;

/** Shows one notice above the editor; without a text, none. */
function notify(text, isAboutKey = false) {
  const notice = element("notice");
  noticeText = text;
  clearTimeout(noticeTimer);
  if (text) {
    notice.textContent = text;
    notice.hidden = false;
  } else {
    noticeTimer = setTimeout(() => {
      notice.hidden = true;
      notice.textContent = "";
    }, NOTICE_LINGERS);
  }
  element("key").setAttribute("aria-invalid", String(Boolean(text) && isAboutKey));
}

// -------------------------------------------------------------------------------------------------- key

let key = sessionStorage.getItem(KEY) ?? "";

/** Takes the key that was typed in, and asks for the schema again with it. The same key again: only if something was wrong. */
function useKey(typed) {
  const entered = typed.trim().replace(/^Bearer\s+/i, "");
  if (entered === key && !noticeText) {
    return;
  }
  if (/[^\x21-\x7e]/.test(entered)) {
    notify(NOT_A_KEY, true);
    return;
  }
  key = entered;
  if (key) {
    sessionStorage.setItem(KEY, key);
  } else {
    sessionStorage.removeItem(KEY);
  }
  render();
}

/** Says beside the key whose it is: the quickest proof that it was copied whole. */
async function greet(fetcher) {
  const greeted = key;
  element("who").textContent = "";
  const answer = await fetcher({ query: "query WhoAmI { viewer { client role } }", operationName: "WhoAmI" });
  const viewer = answer.data?.viewer;
  if (viewer && greeted === key) {
    element("who").textContent = `${viewer.client} · ${viewer.role}`;
  }
}

/** Leaves nothing behind for the next person at this desk. */
function signOut() {
  sessionStorage.clear();
  window.location.reload();
}

// --------------------------------------------------------------------------------------------- fetching

/**
 * Makes a function by which GraphiQL asks the server. It never throws: faults become GraphQL errors.
 *
 * Each one uses the key of the moment it is called; a new one is what makes GraphiQL ask for the schema again.
 */
function makeFetcher() {
  return async (asked) => {
    const withKey = key;
    const observe = (notice, isAboutKey) => {
      // An answer to the former key must not speak about the present one.
      if (withKey === key) {
        notify(notice, isAboutKey);
      }
    };
    const abortion = new AbortController();
    let response;
    let result;
    try {
      response = await fetch(configuration.endpoint, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: `${JSON_MEDIA_TYPES}, text/event-stream`, // the last for subscriptions, which the server knows
          ...(withKey && { Authorization: `Bearer ${withKey}` }),
        },
        body: JSON.stringify(asked),
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: abortion.signal,
      });
      if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        observe(null);
        return events(response.body, abortion);
      }
      result = await response.text();
    } catch {
      observe(NOT_REACHED);
      return { errors: [{ message: NOT_REACHED }] };
    }
    try {
      result = JSON.parse(result);
    } catch {
      observe(NOT_REACHED);
      return { errors: [{ message: `The server answered with status ${response.status} and no GraphQL answer.` }] };
    }
    const isUnauthenticated =
      response.status === 401 || result.errors?.some((one) => one.extensions?.code === "UNAUTHENTICATED");
    observe(isUnauthenticated ? (withKey ? KEY_REFUSED : NO_KEY) : null, true);
    return result;
  };
}

// How many answers of a subscription are shown: GraphiQL alone would show each in the place of the one before.
const ANSWERS_SHOWN = 20;

/**
 * The answers of a subscription as they come (graphql-sse, one operation per connection); stopping it hangs up.
 *
 * Below each stand those before it, newest first.
 */
function events(body, abortion) {
  async function* read() {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = "";
    let earlier = [];
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          notify(BROKEN_OFF);
          return;
        }
        const blocks = (pending + value).replaceAll("\r\n", "\n").split("\n\n");
        pending = blocks.pop();
        for (const lines of blocks.map((block) => block.split("\n"))) {
          const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
          if (lines.includes("event: complete")) {
            return;
          }
          if (lines.includes("event: next")) {
            const { extensions, ...answer } = JSON.parse(data);
            yield { ...answer, ...(earlier.length > 0 && { earlier }), extensions };
            earlier = [answer.data ?? answer, ...earlier].slice(0, ANSWERS_SHOWN - 1);
          }
        }
      }
    } catch (fault) {
      if (!abortion.signal.aborted) {
        notify(NOT_REACHED);
        throw fault;
      }
    } finally {
      abortion.abort();
    }
  }
  const answers = read();
  const leave = answers.return.bind(answers);
  answers.return = (value) => {
    // A generator that waits for the next event hears of nothing else until it comes.
    abortion.abort();
    return leave(value);
  };
  return answers;
}

// -------------------------------------------------------------------------------------------- questions

/** The questions with their documents, in the order of the list; none if one of them cannot be had. */
async function loadQuestions() {
  const load = async (file) => {
    const response = await fetch(configuration.questions + file, { credentials: "omit" });
    if (!response.ok) {
      throw new Error(`${file}: ${response.status}`);
    }
    return response.text();
  };
  const questions = JSON.parse(await load("tabs.json"));
  return Promise.all(
    questions.map(async ({ title, description, file, variables }) => ({
      title,
      description,
      query: await load(file),
      variables: JSON.stringify(variables, null, 2),
    })),
  );
}

let desk = null;

/** Hands GraphiQL's own state to the question list, which stands outside of it. Shows nothing itself. */
function Desk() {
  const editors = GraphiQL.React.useEditorContext();
  const execution = GraphiQL.React.useExecutionContext();
  React.useEffect(() => {
    desk = { ...editors, stop: execution.stop };
    for (const button of element("questions").querySelectorAll("button")) {
      button.disabled = !desk.queryEditor || !desk.variableEditor;
    }
  });
  React.useEffect(() => {
    // The comments are there to be read whole, also beside an open explorer.
    editors.queryEditor?.setOption("lineWrapping", true);
  }, [editors.queryEditor]);
  return null;
}

/** Opens a question, in the current tab or in one of its own, and marks the first value to be typed over. */
function ask(question, isHere) {
  const isOpen = (tab) => tab.query === question.query && tab.variables === question.variables;
  const opened = desk.tabs.findIndex(isOpen);
  desk.stop();
  if (!isHere && opened >= 0) {
    // Nobody changed it yet: one more tab of the same would only be in the way.
    desk.changeTab(opened);
  } else {
    if (!isHere) {
      desk.addTab();
    }
    desk.queryEditor.setValue(question.query);
    desk.variableEditor.setValue(question.variables);
    desk.responseEditor?.setValue("");
    desk.updateActiveTabValues({ query: question.query, variables: question.variables, response: "" });
  }
  // GraphiQL reads the operation's name a moment later; who is quick would run the former one.
  desk.setOperationName(/^(?:query|subscription) (\w+)/m.exec(question.query)[1]);
  const editor = desk.variableEditor;
  const value = /: "?([^",\n]+)/.exec(question.variables);
  if (value) {
    const end = value.index + value[0].length;
    editor.setSelection(editor.posFromIndex(end - value[1].length), editor.posFromIndex(end));
  }
  editor.focus();
  // The strip of tabs scrolls; the new tab has its full width only after it was drawn.
  setTimeout(() => document.querySelector(".graphiql-tab-active")?.scrollIntoView({ block: "nearest", inline: "nearest" }), 200);
}

/** Shows the list. A question can be opened as soon as there are editors: what is below it must not move then. */
function listQuestions(questions) {
  element("questions").replaceChildren(
    ...questions.map((question) => {
      const button = document.createElement("button");
      button.type = "button";
      button.disabled = true;
      button.textContent = question.title;
      button.title = question.description;
      button.addEventListener("click", () => ask(question, element("here").checked));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
}

// --------------------------------------------------------------------------------------------- GraphiQL

/** What GraphiQL remembers goes where the browser forgets it with the tab; "clear" spares the key. */
const storage = {
  getItem: (name) => sessionStorage.getItem(name),
  setItem: (name, value) => sessionStorage.setItem(name, value),
  removeItem: (name) => sessionStorage.removeItem(name),
  get length() {
    return Object.keys(sessionStorage).filter((name) => name.startsWith(GRAPHIQL_PREFIX)).length;
  },
  clear() {
    for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith(GRAPHIQL_PREFIX))) {
      sessionStorage.removeItem(name);
    }
  },
};

const explorer = GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false });
const plugins = [explorer];

/** Shows the explorer from its top: it puts the cursor into its last field, and the reader with it. */
function showFromTop(plugin) {
  if (plugin === explorer) {
    setTimeout(() => {
      for (let box = document.querySelector(".graphiql-explorer-root"); box; box = box.parentElement) {
        box.scrollTop = 0;
      }
    });
  }
}

let defaultTabs;
let isLoaded = false;

/** Draws everything that depends on the key, once there is all to draw. A new fetcher makes GraphiQL ask for the schema again. */
function render() {
  if (!isLoaded) {
    return;
  }
  const fetcher = makeFetcher();
  element("key").value = key;
  element("sign-out").hidden = !key;
  notify(key ? null : NO_KEY, true);
  // As React 17 did it: every change at once. GraphiQL sets its editors while it computes the state of its tabs. What
  // React puts off it may compute twice, and the second time would take from the editors what was typed since.
  ReactDOM.render(
    h(
      GraphiQL,
      {
        fetcher,
        // Without a key there is no schema to be had: null keeps GraphiQL from asking.
        schema: key ? undefined : null,
        schemaDescription: true,
        inputValueDeprecation: true,
        defaultTabs,
        defaultEditorToolsVisibility: "variables",
        isHeadersEditorEnabled: false,
        shouldPersistHeaders: false,
        storage,
        plugins,
        onTogglePluginVisibility: showFromTop,
      },
      h(GraphiQL.Logo, null, h("span", { className: "hint" }, h("kbd", null, "Ctrl"), " + ", h("kbd", null, "Enter"), " asks")),
      h(Desk),
    ),
    element("graphiql"),
  );
  if (key) {
    greet(fetcher);
  } else {
    element("who").textContent = "";
  }
}

async function start() {
  element("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(element("key").value);
  });
  // Also when the field is left by a click on GraphiQL's own button.
  element("key").addEventListener("change", () => useKey(element("key").value));
  element("key").addEventListener("focus", () => element("key").select());
  element("sign-out").addEventListener("click", signOut);
  let questions = [];
  let fault = null;
  try {
    questions = await loadQuestions();
    defaultTabs = questions.map(({ query, variables }) => ({ query, variables }));
  } catch {
    fault = NO_QUESTIONS;
  }
  if (defaultTabs && sessionStorage.getItem(TABS) === null) {
    // GraphiQL shows a first default tab's query but not its variables, unless it finds them stored.
    sessionStorage.setItem(FIRST_VARIABLES, defaultTabs[0].variables);
  }
  listQuestions(questions);
  isLoaded = true;
  render();
  if (fault) {
    notify(fault);
  }
  if (!key) {
    element("key").focus();
  }
}

start();
