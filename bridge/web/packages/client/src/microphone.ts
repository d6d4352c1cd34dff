/** The script that runs in the audio thread; bundlers find it by this form of address. */
const WORKLET = new URL("./capture.worklet.js", import.meta.url);

/** What a person should do when the microphone cannot be opened. */
export function microphoneErrorInWords(error: unknown): string {
  if (!window.isSecureContext) return "Browsers open the microphone only on https:// or http://localhost.";
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "The microphone is blocked. Allow it in the browser's address bar, then try again.";
  if (name === "NotFoundError") return "No microphone found. Plug one in, then try again.";
  if (name === "NotReadableError") return "Another program holds the microphone. Close it, then try again.";
  return `The microphone did not open: ${String(error)}`;
}

/** The page's microphone as blocks of about 10 ms at the audio context's rate, unprocessed. */
export class Microphone {
  private constructor(private readonly stream: MediaStream, private readonly node: AudioWorkletNode) {}

  static async open(context: AudioContext, onBlock: (pcm: Float32Array) => void, onLost: () => void): Promise<Microphone> {
    if (!navigator.mediaDevices) throw new Error("no microphone access on this page");
    const wanted = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    await context.resume();
    await context.audioWorklet.addModule(WORKLET);
    const node = new AudioWorkletNode(context, "gesturestream-capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = (message) => onBlock(message.data as Float32Array);
    context.createMediaStreamSource(stream).connect(node);
    stream.getAudioTracks()[0]?.addEventListener("ended", onLost);
    return new Microphone(stream, node);
  }

  close(): void {
    this.node.disconnect();
    this.node.port.onmessage = null;
    this.stream.getTracks().forEach((track) => track.stop());
  }
}
