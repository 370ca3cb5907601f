import { render } from "preact";
import { App } from "./App.tsx";
import { Chat } from "./chat.ts";
import { Session } from "./session.ts";

const session = new Session();
const chat = new Chat(session);
render(<App session={session} chat={chat} />, document.getElementById("app")!);
