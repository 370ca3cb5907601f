// The page for a frame: the widget alone. The token comes in the fragment of the address, which no server sees, or from the page
// around it by postMessage({type: "zhengwen-token", token}); when another is needed that page is told so. Which pages may
// show this one, and so send a token, says the content policy of the key.
import { ZhengwenChat } from "./widget.ts";

const PASSED_ON = ["heading", "placeholder", "greeting", "examples", "links", "theme"];

const options = new URLSearchParams(location.search);
const chat = new ZhengwenChat();
for (const name of PASSED_ON) if (options.has(name)) chat.setAttribute(name, options.get(name)!);
if (options.has("theme")) document.documentElement.dataset["theme"] = options.get("theme")!;

const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  chat.token = given;
  history.replaceState(null, "", location.pathname + location.search);
}

let provide: ((token: string) => void) | null = null;
chat.addEventListener("zhengwen-token-needed", (event) => {
  provide = (event as CustomEvent<{ provide: (token: string) => void }>).detail.provide;
  parent.postMessage({ type: "zhengwen-token-needed" }, "*");
});

addEventListener("message", (event: MessageEvent<unknown>) => {
  const said = event.data as { type?: unknown; token?: unknown } | null;
  if (event.source !== parent || said?.type !== "zhengwen-token" || typeof said.token !== "string") return;
  if (provide) provide(said.token);
  else chat.token = said.token;
  provide = null;
});

document.body.append(chat);
parent.postMessage({ type: "zhengwen-ready" }, "*");
