import type { Role } from "../app/session";

export interface Headline {
  title: string;
  detail: string;
}

/** What runs, in one sentence a first-time visitor understands. */
export function headline(role: Role, name: string, generator: string, fileName: string): Headline {
  const made = `The whole body is generated live by ${generator}.`;
  switch (role) {
    case "watch":
      return { title: `Watching the server's session: ${name}`, detail: `Its voice drives this body, frame by frame. ${made}` };
    case "microphone":
      return { title: "Listening to your microphone", detail: `Say something: the body gestures while you speak. ${made}` };
    case "file":
      return { title: `Speaking ${fileName}`, detail: made };
    case "idle":
      return { title: "Ready for a voice", detail: "Turn on the microphone, or drop a recording anywhere on this page." };
  }
}
