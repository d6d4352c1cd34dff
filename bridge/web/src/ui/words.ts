import type { Role } from "../app/session";

export interface Headline {
  title: string;
  detail: string;
}

export interface Names {
  /** The session's name. */
  name: string;
  generator: string;
  /** The file this page speaks. */
  fileName: string;
  /** It was cut short. */
  interrupted?: boolean;
  /** The session watched is fed by the server's microphone, which is not forwarded. */
  serverMicrophone?: boolean;
}

/** What runs, in one sentence a first-time visitor understands. */
export function headline(role: Role, { name, generator, fileName, interrupted, serverMicrophone }: Names): Headline {
  const made = `The whole body is generated live by ${generator}.`;
  switch (role) {
    case "watch":
      if (serverMicrophone) return { title: "Listening to the server's microphone", detail: `Speak there: the body gestures here. ${made}` };
      return { title: name === "local" ? "Watching the server's recording" : `Watching the session ${name}`, detail: `Its voice drives this body, frame by frame. ${made}` };
    case "microphone":
      return { title: "Listening to your microphone", detail: `Say something: the body gestures while you speak. ${made}` };
    case "file":
      if (interrupted) return { title: "Interrupted", detail: "The body comes to rest." };
      return { title: `Speaking ${fileName}`, detail: made };
    case "idle":
      return { title: "Ready for a voice", detail: "Turn on the microphone, or drop a recording or your own avatar anywhere on this page." };
  }
}
