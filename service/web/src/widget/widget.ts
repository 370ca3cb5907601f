// <zhengwen-chat endpoint="https://zhengwen.example" token-endpoint="/zhengwen-token">: the chat as one element for other pages.
// Attributes: endpoint (address of the service, empty for the page's own), token or token-endpoint, heading, placeholder,
// greeting, examples (parted by |), links (off: no links to the
// service's own page, for readers who have no key to it), theme (light or dark; left out: as the reader's system). Events, which bubble:
// zhengwen-token-needed (detail.provide(token)), zhengwen-answer (detail is the answer object), zhengwen-error (detail.message).
import { h, render } from "preact";
import { Api } from "../shared/api.ts";
import { Access } from "./access.ts";
import { Chat } from "./Chat.tsx";
import css from "./widget.css" with { type: "text" };

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

export class ZhengwenChat extends HTMLElement {
  static readonly observedAttributes = ["endpoint", "token", "token-endpoint", "heading", "placeholder", "greeting", "examples", "links"];
  private readonly root = this.attachShadow({ mode: "open" });
  private readonly access = new Access((provide) => this.tell("zhengwen-token-needed", { provide }));
  private api: Api | null = null;

  constructor() {
    super();
    this.root.adoptedStyleSheets = [sheet];
  }

  get token(): string {
    return this.access.token;
  }

  set token(token: string) {
    this.access.use(token);
  }

  connectedCallback(): void {
    this.draw();
  }

  disconnectedCallback(): void {
    render(null, this.root);
  }

  attributeChangedCallback(name: string, _: string | null, value: string | null): void {
    if (name === "token") this.access.use(value ?? "");
    if (name === "token-endpoint") this.access.tokenEndpoint = value ?? "";
    if (name === "endpoint") this.api = null;
    if (this.isConnected) this.draw();
  }

  private draw(): void {
    this.api ??= new Api((this.getAttribute("endpoint") ?? "").replace(/\/+$/, ""), () => this.access.token);
    const text = (name: string, otherwise: string): string => this.getAttribute(name) ?? otherwise;
    const chat = h(Chat, {
      api: this.api,
      access: this.access,
      heading: text("heading", "政策问答"),
      placeholder: text("placeholder", "请输入您的问题"),
      greeting: text("greeting", "请用一句话提问。回答只依据收录的政策文件，每句话都标明出处。"),
      examples: text("examples", "").split("|").map((one) => one.trim()).filter(Boolean),
      hasLinks: this.getAttribute("links") !== "off",
      tell: (name: string, detail: unknown) => this.tell(name, detail),
    });
    render(chat, this.root);
  }

  private tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("zhengwen-chat")) customElements.define("zhengwen-chat", ZhengwenChat);
