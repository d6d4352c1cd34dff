// Runs in the page before the viewer: keeps every frame that arrives and every pose that is shown, for
// benchmarks/watching.py. Sound and pictures are the viewer's own, but nothing is painted: without a graphics card that
// takes seconds a picture.
{
  const records = [];
  const trace = { on: false, frames: 0, missing: 0, connections: 0, begin, end };
  window.trace = trace;
  for (const name of ["drawElements", "drawArrays"]) WebGL2RenderingContext.prototype[name] = () => {};

  const unix_s = performance.timeOrigin / 1000;
  let [layout, before, lastShown_s] = [null, null, null];
  let made = []; // [media time, server time] of the newest frames

  /** By how much a moment of the server lies back; NaN before its clock is known. */
  const age_s = (time_s, server_s) => (window.gesturestream?.clock?.toServer(time_s) ?? NaN) - server_s;

  function write(kind, time_s, age, over_s, sequence, epoch, quats) {
    if (trace.on) records.push({ head: [kind, unix_s + time_s, age, over_s, sequence, epoch], quats: Float32Array.from(quats) });
  }

  function arrived(data) {
    const view = new DataView(data);
    if (view.getUint8(3) !== 1) return;
    const time_s = performance.now() / 1000;
    const [sequence, epoch] = [view.getUint32(8, true), view.getUint16(14, true)];
    const [media_s, server_s] = [view.getFloat64(16, true), view.getFloat64(24, true)];
    const { offset, count } = layout.find(({ name }) => name === "quat_xyzw");
    if (trace.on) trace.frames++;
    if (trace.on && before !== null) trace.missing += Math.max(0, sequence - before - 1);
    before = sequence;
    made = [...made.slice(-90), [media_s, server_s]];
    write(0, time_s, age_s(time_s, server_s), 0, sequence, epoch, new Float32Array(data, offset, count));
  }

  /** When the moment that is shown was made, server time. */
  function made_s(media_s) {
    const at = made.findLastIndex(([frame_s]) => frame_s <= media_s);
    const [[a_s, server_s] = [NaN, NaN], next] = [made[at], made[at + 1]];
    return next ? server_s + ((media_s - a_s) / (next[0] - a_s)) * (next[1] - server_s) : server_s;
  }

  function picture() {
    const { player, shown } = window.gesturestream ?? {};
    if (player && player.mediaTime_s !== null && shown.mediaTime_s !== null && shown.time_s !== lastShown_s) {
      lastShown_s = shown.time_s;
      const over_s = player.delay_s(shown.time_s) - player.clock.delay_s;
      write(1, shown.time_s, age_s(shown.time_s, made_s(shown.mediaTime_s)), over_s, -1, shown.epoch, player.pose.quat_xyzw);
    }
    requestAnimationFrame(picture);
  }
  requestAnimationFrame(picture);

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      trace.connections++;
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") return arrived(data);
        const message = JSON.parse(data);
        if (message.type === "ready") [layout, before] = [message.layout, null];
      });
    }
  };

  let underruns = 0;
  function begin() {
    [trace.on, trace.connections] = [true, 1];
    underruns = window.gesturestream.player.underruns;
  }

  /** Counts, and the records as base64. */
  function end() {
    trace.on = false;
    const { player, badMessages } = window.gesturestream;
    const quats = records[0]?.quats.length ?? 0;
    const bytes = new Uint8Array(records.length * (48 + 4 * quats));
    records.forEach(({ head, quats: turns }, i) => {
      const at = i * (48 + 4 * quats);
      bytes.set(new Uint8Array(Float64Array.from(head).buffer), at);
      bytes.set(new Uint8Array(turns.buffer), at + 48);
    });
    let text = "";
    for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    const { frames, missing, connections } = trace;
    const counts = { frames, missing, connections, malformed: badMessages, old: player.buffer.discarded };
    return { ...counts, underruns: player.underruns - underruns, delay_ms: 1000 * player.clock.delay_s, base64: btoa(text) };
  }
}
