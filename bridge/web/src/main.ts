import { App } from "./app/app";
import { now_s } from "@gesturestream/client";
import { exposeDebug } from "./debug";
import { Stage } from "./stage/stage";
import { byId } from "./ui/dom";
import { bindInputs } from "./ui/inputs";
import { Meters } from "./ui/meters";
import { Panel } from "./ui/panel";
import { StatusView } from "./ui/status";

function openStage(): Stage {
  try {
    return new Stage(byId("stage"));
  } catch (error) {
    byId("headline").textContent = "This browser shows no 3D";
    byId("subline").textContent = "WebGL 2 is off or missing. Turn on hardware acceleration in the browser's settings, or try another browser.";
    throw error;
  }
}

const stage = openStage();
const status = new StatusView();
const app = new App(stage, status);
status.app = app;
const panel = new Panel(app);
status.onReady = (ready, role) => panel.ready(ready, role);
const meters = new Meters(app);
bindInputs(app, stage.view);
exposeDebug(app, stage, meters);
app.follow();

let last_s = now_s();
function draw(): void {
  const time_s = now_s();
  const dt_s = Math.min(1, time_s - last_s);
  last_s = time_s;
  app.draw(time_s, dt_s);
  meters.tick();
  requestAnimationFrame(draw);
}
requestAnimationFrame(draw);
