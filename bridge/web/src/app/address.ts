/** The server's socket: the page's own host, or `?server=host:port` while developing. */
export function address(page: Location = location): string {
  const host = new URLSearchParams(page.search).get("server") ?? page.host;
  return `${page.protocol === "https:" ? "wss" : "ws"}://${host}/v1/stream`;
}

/** `#token=secret` or `#secret`: a fragment never reaches a server's log. */
export function token(page: Location = location): string | null {
  const fragment = decodeURIComponent(page.hash.slice(1));
  return fragment.replace(/^token=/, "") || null;
}
