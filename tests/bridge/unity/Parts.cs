using System;
using System.Linq;
using System.Text;
using GestureStream;

/// <summary>Reconnecting as texts and times, the forwarded voice, small parts, and how much garbage a frame makes.</summary>
static class Parts
{
    static readonly Random Chance = new Random(5);
    static void Receive(Session session, string name, double now_s)
    {
        var data = Kit.Bytes(name);
        if (name.EndsWith(".json")) session.ReceiveText(data, data.Length, now_s);
        else session.ReceiveBinary(data, data.Length, now_s);
    }

    public static void Reconnect()
    {
        var sent = new Sent();
        var session = new Session(new SessionOptions(), new Quiet(), sent);
        Kit.Check(session.WantsConnection(0.0) && !session.WantsConnection(0.0), "it connects once");
        session.Opened(0.1);
        Kit.Check(!sent.Take().Contains("resume"), "nothing to resume yet");
        Receive(session, "ready/q16.json", 0.2);
        Kit.Check(!session.Tick(0.3) && sent.Take().Contains("ping"), "it pings");
        Receive(session, "messages/sway_q16.bin", 0.4);
        var pose = new Pose();
        Kit.Check(session.Player.Update(0.45, pose), "a pose");
        Kit.Check(!session.Tick(0.5) && sent.Take().Contains("\"sequence\":41"), "it acknowledges");

        session.Closed(1001, 1.0);
        Kit.Check(!session.WantsConnection(1.1) && session.WantsConnection(1.6), "back after half a second at most");
        session.Opened(1.7);
        var opening = sent.Take();
        Kit.Check(opening.Contains("\"resume\":\"c0nf0rmance-session\"") && opening.Contains("\"resume_key\":"), opening);
        Receive(session, "ready/q16.json", 1.8);
        Kit.Check(!session.Tick(6.7) && session.Tick(6.9), "5 s without a message is a lost connection");
        session.Closed(1006, 6.9);
        Kit.Check(session.WantsConnection(8.0), "again");
        session.Opened(8.0);
        var full = Encoding.UTF8.GetBytes("{\"type\":\"error\",\"code\":\"server_full\",\"fatal\":true,\"retry_after_s\":3.0}");
        session.ReceiveText(full, full.Length, 8.1);
        session.Closed(4429, 8.1);
        Kit.Check(!session.WantsConnection(11.0) && session.WantsConnection(11.2), "not before the server said");
        session.Opened(11.2);
        session.Closed(4401, 11.3);
        Kit.Check(session.GaveUp && !session.WantsConnection(1e6), "a wrong token is not tried again");
        sent.Take();
        Kit.Check(!session.Interrupt() && sent.Texts.Count == 0, "nothing is said without a session");
    }

    // Noise in messages of one frame each, some late, read at another rate while the body plays slower for a while.
    public static void Voice()
    {
        const int rate = 16000, output = 48000, block = 512;
        var queue = new VoiceQueue();
        var heard = new float[block];
        double playhead = -0.1, worst = 0.0;
        long pushed = 0;
        int loud = 0;
        for (var n = 0; n * block < 6 * output; ++n)
        {
            var now = n / 2 * 2 * block / (double)output;  // two blocks at a time, as sound cards ask
            playhead += block / (double)output * (now > 2.0 && now < 2.5 ? 0.8 : 1.0);
            for (; pushed / (double)rate < now - 0.05 * Chance.NextDouble(); pushed += 533) queue.Push(pushed / (double)rate, Noise(pushed, 533), 533, rate);
            queue.Follow(playhead, n * block / (double)output, 0.02);
            queue.Read(heard, block, output, now);
            if (now < 1.0 || (now > 2.0 && now < 3.8)) continue;  // not yet, and while it catches up
            // Which media time is heard: noise is like itself nowhere else.
            var expected = playhead + 0.02;
            var best = Enumerable.Range(-120, 241).Select(i => i / 8000.0).OrderBy(shift => Difference(heard, expected + shift, output)).First();
            worst = Math.Max(worst, Math.Abs(best));
            loud += heard.Max() > 0.2 ? 1 : 0;
        }
        Console.WriteLine("{\"worst_ms\": " + (1e3 * worst).ToString("F1", System.Globalization.CultureInfo.InvariantCulture) + ", \"blocks\": " + loud + "}");
        Kit.Check(loud > 200, "the voice was heard in " + loud + " blocks");
        Kit.Check(worst < 0.008, "voice and body are apart by " + worst + " s");
        queue.Flush();
        queue.Follow(playhead, 6.0, 0.0);
        queue.Read(heard, block, output, 6.0);
        queue.Read(heard, block, output, 6.0 + block / (double)output);
        Kit.Check(heard.All(x => x == 0f), "after an interrupt nothing old is heard");
        queue.Push(double.MaxValue, new short[4], 4, rate);
        queue.Push(-3.0, new short[4], 4, rate);
        queue.Push(playhead + 100.0, new short[4], 4, rate);
        queue.Push(1.0, new short[4], 4, 24000);
        queue.Read(heard, block, output, 6.1);
    }

    static readonly double[] Knots = Enumerable.Range(0, 20000).Select(_ => Chance.NextDouble() - 0.5).ToArray();

    // Band-limited to about 1 kHz, so that the search may take steps.
    static double Noise(double t)
    {
        var knot = (int)Math.Floor(2000.0 * t);
        return t < 0 ? 0.0 : Knots[knot] + (2000.0 * t - knot) * (Knots[knot + 1] - Knots[knot]);
    }

    static short[] Noise(long first, int count)
    {
        return Enumerable.Range(0, count).Select(i => (short)(32767 * Noise((first + i) / 16000.0))).ToArray();
    }

    static double Difference(float[] heard, double media_s, int output)
    {
        var sum = 0.0;
        for (var i = 0; i < heard.Length; i += 4) sum += Math.Abs(heard[i] - Noise(media_s + i / (double)output));
        return sum;
    }

    public static void SmallParts()
    {
        foreach (var turn in new[] { new[] { 5.0, 20.0 }, new[] { 25.0, 30.0 }, new[] { 0.0, 0.0 } })
        {
            var pose = new Pose();
            pose.QuatXyzw[4 * 22] = (float)Math.Sin(turn[0] * Math.PI / 360.0);
            pose.QuatXyzw[4 * 22 + 3] = (float)Math.Cos(turn[0] * Math.PI / 360.0);
            pose.OpenJawAlone();
            var opened = 360.0 / Math.PI * Math.Atan2(pose.QuatXyzw[4 * 22], pose.QuatXyzw[4 * 22 + 3]);
            Kit.Check(Math.Abs(opened - turn[1]) < 1e-3, "a jaw of " + turn[0] + " degrees alone opens by " + opened);
        }
        Kit.Check(StreamClient.Parse("ws://10.0.0.2:9000").AbsoluteUri == "ws://10.0.0.2:9000/v1/stream", "the path may be left out");
        Kit.Check(StreamClient.Parse("wss://host/x").AbsoluteUri == "wss://host/x", "or be another");
        foreach (var wrong in new[] { "http://host", "host:8765", "" })
        {
            try
            {
                StreamClient.Parse(wrong);
                Kit.Check(false, wrong + " is no address");
            }
            catch (ArgumentException) { }
        }

        var clock = new ServerClock();
        clock.Observe(10.0, 110.3, 110.3, 10.4);  // 0.3 s there, 0.1 s back: off by 0.1 s
        clock.Observe(20.0, 120.01, 120.02, 20.03);
        Kit.Check(Math.Abs(clock.ToLocal(200.0) - 100.0) < 1e-9 && Math.Abs(clock.RoundTrip_s - 0.02) < 1e-9, "the shortest round trip wins");

        var bytes = new byte[6];
        Kit.Check(Wire.WriteS16(new[] { 9f, 0.5f, -2.0f, float.NaN }, 1, 3, bytes) == 6, "bytes");
        Kit.Check(bytes.SequenceEqual(new byte[] { 0x00, 0x40, 0x01, 0x80, 0x00, 0x00 }), "s16le");

        Texts();
    }

    // What is sent is strict JSON, whatever the culture and the text.
    static void Texts()
    {
        System.Threading.Thread.CurrentThread.CurrentCulture = new System.Globalization.CultureInfo("de-DE");
        var sent = new Sent();
        var options = new SessionOptions { Name = "Zo\u00eb \"\ud83d\udc4b\" \\ \u0001\u001f\n" + new string('x', 600), Intensity = 1.25, Token = "t", Face = FaceFormat.Expressions };
        var session = new Session(options, new Quiet(), sent);
        session.WantsConnection(0.0);
        session.Opened(0.0);
        Receive(session, "ready/f32.json", 0.1);
        session.Cue("wave", 1.0 / 3.0);
        session.Control("emotion", "happiness");
        session.Intensity(0.05);
        session.Interrupt();
        session.Utterance("u1");
        session.UtteranceEnd("u1");
        session.Tick(1234567.125 - 1234567.0);
        session.End();
        Json message;
        foreach (var text in sent.Texts) Kit.Check(Json.TryParseObject(text, out message) && message["type"].IsString, text);
        Json.TryParseObject(sent.Texts[0], out message);
        Kit.Check(message["name"].String == options.Name && message["intensity"].Number == 1.25, sent.Texts[0]);
        Kit.Check(message["frames"]["expressions"].Number == 10 && !message["frames"]["blendshapes"].Boolean, "one face, not two");
        Json.TryParseObject(sent.Texts[1], out message);
        Kit.Check(message["at_s"].Number == 0.333333, sent.Texts[1]);
        Json.TryParseObject(sent.Texts[3], out message);
        Kit.Check(message["intensity"].Number == 0.05, sent.Texts[3]);
    }

    sealed class Count : SessionListener, IOutput
    {
        public readonly VoiceQueue Queue = new VoiceQueue();
        public int Texts;

        public void Send(byte[] data, int count, bool text)
        {
            ++Texts;
        }

        public override void OnVoice(FrameHeader header, short[] samples, int count)
        {
            Queue.Push(header.MediaTime_s, samples, count, 16000);
        }
    }

    // A minute of frames and forwarded audio, received, buffered, shown, retargeted and acknowledged.
    public static void Garbage()
    {
        var listener = new Count();
        var session = new Session(new SessionOptions(), listener, listener);
        session.WantsConnection(0.0);
        session.Opened(0.0);
        Receive(session, "ready/f32.json", 0.0);
        byte[] frame = Kit.Bytes("messages/sway_f32.bin"), audio = Kit.Bytes("messages/audio_tone.bin");
        var retargeter = new Retargeter(Enumerable.Range(0, Wire.Joints).ToArray(), Enumerable.Repeat(Quat.Identity, Wire.Joints).ToArray());
        var pose = new Pose();
        var heard = new float[512];
        long before = 0, shown = 0;
        for (var k = 0; k < 2100; ++k)
        {
            if (k == 300) before = GC.GetAllocatedBytesForCurrentThread();  // after buffers have grown and code is compiled
            Buffer.BlockCopy(BitConverter.GetBytes(k / 30.0), 0, frame, 16, 8);  // 32 bytes of the test's own a frame
            Buffer.BlockCopy(BitConverter.GetBytes((uint)k), 0, frame, 8, 4);    // and another 32
            Buffer.BlockCopy(BitConverter.GetBytes(k / 30.0), 0, audio, 16, 8);
            session.ReceiveBinary(frame, frame.Length, k / 30.0 + 0.001 * (k % 7));
            session.ReceiveBinary(audio, audio.Length, k / 30.0);
            for (var picture = 0; picture < 2; ++picture)
            {
                var now = (k + 0.5 * picture) / 30.0;
                session.Tick(now);
                if (!session.Player.Update(now, pose)) continue;
                ++shown;
                retargeter.Solve(pose, session.LatestReady.Parents);
                listener.Queue.Follow(session.Player.Playhead_s, now, 0.02);
                listener.Queue.Read(heard, heard.Length, 48000, now);
            }
        }
        var perFrame = (GC.GetAllocatedBytesForCurrentThread() - before) / 1800.0;
        var own = Own();
        Console.WriteLine("{\"bytes_per_frame\": " + (perFrame - own).ToString("F2", System.Globalization.CultureInfo.InvariantCulture) + "}");
        Kit.Check(shown > 4000 && session.Counts.Frames == 2100 && session.Counts.Voice == 2100 && listener.Texts > 280, "everything ran");
        Kit.Check(perFrame - own < 1.0, "a frame makes " + (perFrame - own) + " bytes of garbage");
    }

    // What the loop above allocates itself to change the headers.
    static double Own()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var k = 0; k < 1800; ++k)
        {
            BitConverter.GetBytes(k / 30.0);
            BitConverter.GetBytes((uint)k);
            BitConverter.GetBytes(k / 30.0);
        }
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 1800.0;
    }
}
