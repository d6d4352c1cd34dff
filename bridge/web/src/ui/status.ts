import type { App, Face } from "../app/app";
import type { Link, Ready, ServerEvent } from "@gesturestream/client";
import type { Role } from "../app/session";
import type { FileBody } from "../body";
import { byId } from "./dom";
import { hideHeard, showHeard } from "./heard";
import { headline } from "./words";

const PROBLEM_SHOWN_MS = 9000;

/** Headline, connection state and problems. */
export class StatusView implements Face {
  app!: App;
  onReady: (ready: Ready, role: Role) => void = () => {};
  private problemTimer = 0;

  link(link: Link): void {
    byId("dot").dataset["state"] = link.state;
    const words = { connecting: "Connecting", live: "Live", waiting: "Reconnecting", failed: "Not connected", ended: "Ended" };
    byId("link").textContent = words[link.state];
    if (link.state === "waiting" || link.state === "failed") this.say(link.state === "failed" ? "Not connected" : "Looking for the server", link.words);
  }

  ready(ready: Ready, role: Role): void {
    byId("problem").hidden = true;
    hideHeard();
    this.onReady(ready, role);
    this.status();
  }

  status(): void {
    const { session, fileName, needsClick, interrupted } = this.app;
    byId("hear").hidden = !needsClick;
    const microphone = byId("microphone");
    microphone.setAttribute("aria-pressed", String(session.role === "microphone"));
    microphone.querySelector("span")!.textContent = session.role === "microphone" ? "Stop listening" : "Use my microphone";
    if (!session.ready) return;
    const { title, detail } = headline(session.role, { name: session.ready.name, generator: session.ready.generator, fileName, interrupted, serverMicrophone: !session.hearsWatched });
    this.say(title, detail);
  }

  problem(words: string): void {
    const problem = byId("problem");
    problem.textContent = words;
    problem.hidden = false;
    window.clearTimeout(this.problemTimer);
    this.problemTimer = window.setTimeout(() => (problem.hidden = true), PROBLEM_SHOWN_MS);
  }

  busy(words: string | null): void {
    byId("busy").hidden = words === null;
    if (words !== null) byId("busy").textContent = `${words} …`;
  }

  dressed(body: FileBody | null): void {
    byId("problem").hidden = true;
    byId("wearing").hidden = !body;
    if (!body) return;
    byId("wearing-title").textContent = body.author ? `${body.title} by ${body.author}` : body.title;
    byId("wearing").title = body.about;
  }

  event(event: ServerEvent): void {
    if (event.name === "emotion") showHeard(event.probabilities);
    if (event.name === "control" && event.refused) this.problem(`The generator was not changed: ${event.refused}.`);
    if (event.name === "device_lost") this.problem("The server lost its microphone. Plug it in again: it goes on by itself.");
    if (event.name === "device_back") byId("problem").hidden = true;
  }

  private say(title: string, detail: string): void {
    byId("headline").textContent = title;
    byId("subline").textContent = detail;
  }
}
