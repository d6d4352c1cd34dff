import { byId } from "./dom";

const COLORS: Record<string, string> = {
  neutral: "#7d8797",
  happiness: "#ffc66b",
  anger: "#ff6f6f",
  sadness: "#6f9bff",
  contempt: "#b08bd9",
  surprise: "#ff8a66",
  fear: "#7fd0d6",
  disgust: "#8fcf6f",
};
const NAMED = 2; // the strongest are told in words

/** The emotion that is heard in the voice, as shares of one bar. */
export function showHeard(probabilities: Readonly<Record<string, number>>): void {
  const entries = Object.entries(probabilities).filter(([, share]) => share > 0);
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  byId("heard").hidden = !entries.length;
  if (!entries.length) return;
  byId("heard-bar").replaceChildren(...entries.map(([name, share]) => part(name, share / total)));
  const strongest = [...entries].sort(([, a], [, b]) => b - a).slice(0, NAMED);
  byId("heard-words").textContent = strongest.map(([name, share]) => `${name} ${Math.round((100 * share) / total)} %`).join(" · ");
}

export function hideHeard(): void {
  byId("heard").hidden = true;
}

function part(name: string, share: number): HTMLElement {
  const element = document.createElement("span");
  element.style.cssText = `flex:${share};background:${COLORS[name] ?? COLORS["neutral"]}`;
  element.title = name;
  return element;
}
