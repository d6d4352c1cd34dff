import { EVENT_NAMES, type Ready, type ServerMessage } from "./protocol.generated.js";

type Json = Record<string, unknown>;

const EVENTS = new Set<unknown>(EVENT_NAMES);
const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = (value: unknown, of: (item: unknown) => boolean): value is unknown[] => Array.isArray(value) && value.every(of);
const isText = (value: unknown): boolean => typeof value === "string";

/** What the rest of the code relies on, per type; other fields are used as they are said. */
const CHECKS: Record<string, (message: Json) => boolean> = {
  ready: isReady,
  event: ({ name, media_time_s, audio_time_s, epoch }) =>
    isText(name) && isNumber(media_time_s) && isNumber(audio_time_s) && (epoch === undefined || isNumber(epoch)),
  stats: ({ frames, dropped }) => isNumber(frames) && isNumber(dropped),
  pong: ({ t0, t1, t2 }) => isNumber(t0) && isNumber(t1) && isNumber(t2),
  error: ({ code, message, fatal }) => isText(code) && isText(message) && typeof fatal === "boolean",
  sessions: ({ sessions }) => isList(sessions, (entry) => isObject(entry) && isText(entry["session"]) && isText(entry["name"])),
};

/** A text message; null for a type or an event that this version does not know. Throws on what is no message. */
export function parseServerMessage(text: string): ServerMessage | null {
  const message: unknown = JSON.parse(text);
  if (!isObject(message) || !isText(message["type"])) throw new Error("expected a JSON object with a string `type`");
  const type = message["type"] as string;
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  if (!check) return null;
  if (!check(message)) throw new Error(`bad ${type}: a field is missing or of another type`);
  if (type === "event" && !EVENTS.has(message["name"])) return null;
  return message as unknown as ServerMessage;
}

function isReady(ready: Json): boolean {
  const { skeleton, audio, layout, blendshapes } = ready as unknown as Ready;
  return (
    ["session", "name", "mode", "generator"].every((field) => isText(ready[field])) &&
    ["epoch", "media_time_s", "frame_bytes", "fps"].every((field) => isNumber(ready[field])) &&
    isList(ready["generators"], isText) &&
    isList(blendshapes, isText) &&
    isObject(audio) && isNumber(audio.rate) &&
    isList(layout, (field) => isObject(field) && isText(field["name"]) && isText(field["dtype"])) &&
    isObject(skeleton) && isTree(skeleton as unknown as Ready["skeleton"])
  );
}

/** Parents come before their children, and every joint has a place. */
function isTree({ names, parents, rest_m }: Ready["skeleton"]): boolean {
  return (
    isList(names, isText) &&
    isList(parents, isNumber) && parents.length === names.length && parents.every((parent, j) => Number.isInteger(parent) && parent >= -1 && parent < j) &&
    isList(rest_m, isNumber) && rest_m.length === 3 * names.length
  );
}
