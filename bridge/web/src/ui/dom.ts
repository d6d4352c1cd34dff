export function byId<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

export function fillSelect(select: HTMLSelectElement, values: readonly string[], chosen: string): void {
  const same = select.options.length === values.length && values.every((value, i) => select.options[i]!.value === value);
  if (!same) select.replaceChildren(...values.map((value) => new Option(value, value)));
  select.value = chosen;
}
