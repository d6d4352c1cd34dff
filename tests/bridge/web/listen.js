// Runs in the page before the viewer: keeps what the browser is asked to play and what the server says, so that a test
// can tell what is heard without believing the viewer's own clock.
{
  const log = { sessions: [], file: null, context: null };
  window.log = log;
  const session = () => log.sessions.at(-1);
  const now_s = () => performance.now() / 1000;

  // A processor takes seconds for a picture, and this is about time: the body is posed for each, but not painted.
  for (const name of ["drawElements", "drawArrays"]) WebGL2RenderingContext.prototype[name] = () => {};

  const decode = BaseAudioContext.prototype.decodeAudioData;
  BaseAudioContext.prototype.decodeAudioData = async function (...given) {
    const buffer = await decode.apply(this, given);
    log.file = buffer.getChannelData(0).slice();
    return buffer;
  };

  /** Where in the file a piece comes from: right behind the last one, or else the first place after it that fits. */
  const find = (piece) => {
    const fits = (at) => piece.every((value, i) => value === log.file[at + i]);
    let at = session().sources.at(-1)?.next ?? 0;
    while (at < log.file.length && !fits(at)) at++;
    return at < log.file.length ? at : null;
  };

  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (when_s, ...rest) {
    const { length, sampleRate } = this.buffer;
    const at = log.file && find(this.buffer.getChannelData(0));
    log.context = this.context;
    session().sources.push({ when_s, end_s: when_s + length / sampleRate, at_s: at === null ? null : at / sampleRate, next: at + length });
    return start.call(this, when_s, ...rest);
  };

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => this.note(data));
    }

    note(data) {
      if (typeof data !== "string") {
        const epoch = new DataView(data).getUint16(14, true);
        if (epoch > 0) session().risen_s ??= now_s();
        return;
      }
      const message = JSON.parse(data);
      if (message.type === "ready") log.sessions.push({ mode: message.mode, sources: [], resumed: [], pictures: [], risen_s: null });
      if (message.name === "audio_resumed") session().resumed.push({ media_time_s: message.media_time_s, sample: message.sample });
    }
  };

  const note = () => {
    const { shown, role } = window.gesturestream ?? {};
    const latency_s = log.context ? log.context.outputLatency || log.context.baseLatency : 0;
    if (shown && session()) session().pictures.push({ ...shown, role, latency_s });
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}
