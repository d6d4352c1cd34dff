/** Sends the microphone's first channel to the page in blocks of about 10 ms. */
class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(128 * Math.max(1, Math.round((0.01 * sampleRate) / 128)));
    this.filled = 0;
  }

  process([input]) {
    const samples = input[0];
    if (!samples) return true;
    this.block.set(samples, this.filled);
    this.filled += samples.length;
    if (this.filled >= this.block.length) {
      this.port.postMessage(this.block.slice(0, this.filled));
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("gesturestream-capture", Capture);
