using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using GestureStream;

/// <summary>Golden messages, texts and streams through the package's core.</summary>
static class Decoding
{
    enum Outcome { Decoded, Refused, Ignored }

    static Dictionary<string, FrameDecoder> Decoders()
    {
        var decoders = new Dictionary<string, FrameDecoder>();
        foreach (var entry in Kit.ReadJson("index.json")["readies"].Members)
        {
            var ready = Ready.From(Kit.ReadJson(entry.Value.String));
            var decoder = decoders[entry.Key] = new FrameDecoder();
            Kit.Check(ready != null && decoder.SetLayout(ready.Layout, ready.FrameBytes) == ready.Layout.Count > 0, "ready " + entry.Key);
        }
        return decoders;
    }

    static void CheckValues(string what, Json expected, float[] got, double tolerance)
    {
        Kit.Check(expected.Items.Count == got.Length, what + ": expected " + expected.Items.Count + " values, got " + got.Length);
        for (var i = 0; i < Math.Min(got.Length, expected.Items.Count); ++i)
        {
            var value = (float)expected.Items[i].Number;
            Kit.Check(Math.Abs((double)got[i] - value) <= tolerance, what + "[" + i + "]: expected " + value.ToString("R") + ", got " + got[i].ToString("R"));
        }
    }

    static void CheckHeader(string name, Json expected, FrameHeader header)
    {
        var got = new Dictionary<string, double>
        {
            { "kind", header.Kind }, { "flags", header.Flags }, { "header_bytes", header.HeaderBytes }, { "sequence", header.Sequence },
            { "skeleton_revision", header.SkeletonRevision }, { "epoch", header.Epoch }, { "media_time_s", header.MediaTime_s },
            { "server_time_s", header.ServerTime_s },
        };
        foreach (var field in got) Kit.Check(expected[field.Key].IsNumber && expected[field.Key].Number == field.Value, name + "." + field.Key + ": got " + field.Value);
    }

    static void CheckDecoded(string name, Json expected, byte[] data, FrameDecoder decoder)
    {
        FrameHeader header;
        Kit.Check(Wire.TryReadHeader(data, data.Length, out header), name + ": header");
        CheckHeader(name, expected["header"], header);
        if (header.Kind == Wire.Audio)
        {
            var samples = new short[0];
            int count;
            Kit.Check(Wire.TryReadAudio(data, data.Length, header, ref samples, out count), name);
            var wanted = expected["pcm_s16"].Items.Select(item => (short)item.Number);
            Kit.Check(wanted.SequenceEqual(samples.Take(count)), name + ": samples");
            return;
        }
        var frame = new Frame();
        Kit.Check(decoder.TryDecode(data, data.Length, header, frame), name + ": decodes");
        var values = expected["values"];
        var tolerance = expected["tolerance"].Number;
        CheckValues(name + ".root_m", values["root_m"], frame.Root_m, tolerance);
        CheckValues(name + ".quat_xyzw", values["quat_xyzw"], frame.QuatXyzw, tolerance);
        CheckValues(name + ".expressions", values["expressions"], frame.Expressions, tolerance);
        CheckValues(name + ".blendshapes", values["blendshapes"], frame.Blendshapes, tolerance);
        CheckValues(name + ".contacts", values["contacts"], frame.Contacts, tolerance);
        if (expected["source"].IsObject) CheckQuantisation(name, expected["source"], frame);
    }

    static void CheckQuantisation(string name, Json source, Frame frame)
    {
        var limits = Kit.ReadJson("index.json")["quantisation"];
        var turns = source["quat_xyzw"].Items.Select(item => (float)item.Number).ToArray();
        for (var at = 0; at < turns.Length; at += 4)
        {
            Kit.Check(Kit.AngleBetween(turns, frame.QuatXyzw, at) <= limits["quat_xyzw"].Number, name + ": rotation " + at / 4 + " further from its source than quantisation takes it");
        }
    }

    static Outcome Decode(byte[] data, FrameDecoder decoder)
    {
        FrameHeader header;
        var samples = new short[0];
        int count;
        var frame = new Frame();
        if (!Wire.TryReadHeader(data, data.Length, out header)) return Outcome.Refused;
        if (header.Kind == Wire.Audio) return Wire.TryReadAudio(data, data.Length, header, ref samples, out count) ? Outcome.Decoded : Outcome.Refused;
        if (header.Kind != Wire.Pose) return Outcome.Ignored;
        if (!decoder.TryDecode(data, data.Length, header, frame)) return Outcome.Refused;
        foreach (var values in new[] { frame.Root_m, frame.QuatXyzw, frame.Expressions, frame.Blendshapes, frame.Contacts })
        {
            Kit.Check(!values.Any(value => float.IsNaN(value) || float.IsInfinity(value)), "a value that is not finite was decoded");
        }
        return Outcome.Decoded;
    }

    public static void Messages()
    {
        var decoders = Decoders();
        var decoded = 0;
        foreach (var entry in Kit.ReadJson("index.json")["messages"].Items)
        {
            string name = entry["name"].String, expect = entry["expect"].String;
            var decoder = decoders[entry["ready"].String];
            var data = Kit.Bytes(entry["file"].String);
            if (expect == "decode")
            {
                CheckDecoded(name, Kit.ReadJson(entry["values"].String), data, decoder);
                ++decoded;
            }
            else if (expect == "refuse") Kit.Check(Decode(data, decoder) == Outcome.Refused, name + " is refused");
            else if (expect == "ignore") Kit.Check(Decode(data, decoder) == Outcome.Ignored, name + " is ignored");
            else Decode(data, decoder);
        }
        Kit.Check(decoded > 20, "golden messages found: " + decoded);
    }

    static Session Open(SessionListener listener)
    {
        var session = new Session(new SessionOptions { Watch = true }, listener, new Sent());
        session.WantsConnection(0.0);
        session.Opened(0.0);
        return session;
    }

    public static void Texts()
    {
        foreach (var entry in Kit.ReadJson("texts.json")["texts"].Items)
        {
            string name = entry["name"].String, expect = entry["expect"].String;
            var session = Open(new Quiet());
            var ready = Kit.Bytes("ready/f32.json");
            session.ReceiveText(ready, ready.Length, 0.0);
            var text = Encoding.UTF8.GetBytes(entry["text"].String);
            session.ReceiveText(text, text.Length, 0.1);
            Kit.Check(session.IsReady, name + ": the session goes on");
            if (expect == "decode") Kit.Check(session.Counts.Malformed == 0 && session.Counts.Ignored == 0, name + " is understood");
            if (expect == "refuse") Kit.Check(session.Counts.Malformed == 1, name + " is refused");
            if (expect == "ignore") Kit.Check(session.Counts.Malformed == 0, name + " is no error");
            if (expect == "decode") CheckSame(name, entry["message"], entry["text"].String);
            var frame = Kit.Bytes("messages/sway_f32.bin");
            session.ReceiveBinary(frame, frame.Length, 0.2);
            Kit.Check(session.Counts.Frames == 1, name + ": the next frame decodes");
        }
    }

    static void CheckSame(string name, Json expected, string text)
    {
        Json got;
        Kit.Check(Json.TryParseObject(text, out got) && Same(expected, got), name + " is read as it is meant");
    }

    static bool Same(Json a, Json b)
    {
        if (a.Type != b.Type || a.Boolean != b.Boolean || a.Number != b.Number || a.String != b.String || a.Items.Count != b.Items.Count) return false;
        for (var i = 0; i < a.Items.Count; ++i)
        {
            if (!Same(a.Items[i], b.Items[i])) return false;
        }
        return !a.IsObject || (a.Members.Count == b.Members.Count && a.Members.All(member => b.Members.ContainsKey(member.Key) && Same(member.Value, b[member.Key])));
    }

    sealed class Watcher : SessionListener
    {
        public readonly List<double> Shown = new List<double>();
        public int Epochs;

        public override void OnFrame(Frame frame)
        {
            Shown.Add(frame.Header.Sequence);
        }

        public override void OnEpoch()
        {
            ++Epochs;
        }
    }

    public static void Streams()
    {
        foreach (var name in Kit.ReadJson("index.json")["streams"].Items) CheckStream(name.String);
    }

    // Which frames of a stream a session shows, against what the kit says.
    static void CheckStream(string name)
    {
        var expected = Kit.ReadJson(name + ".json");
        var data = Kit.Bytes(name + ".stream");
        var watcher = new Watcher();
        var session = Open(watcher);
        var wanted = new List<double>();
        int at = 0, epochs = 0, old = 0;
        var pose = new Pose();
        foreach (var entry in expected["records"].Items)
        {
            var arrival_s = BitConverter.ToDouble(data, at);
            var payload = data.Skip(at + 13).Take((int)BitConverter.ToUInt32(data, at + 9)).ToArray();
            if (data[at + 8] == 1) session.ReceiveText(payload, payload.Length, arrival_s);
            else session.ReceiveBinary(payload, payload.Length, arrival_s);
            at += 13 + payload.Length;
            session.Player.Update(arrival_s, pose);
            if (entry["old"].Boolean) ++old;
            if (entry["opens"].Boolean) ++epochs;
            if (entry["kind"].NumberOr(0) == Wire.Pose && !entry["old"].Boolean) wanted.Add(entry["sequence"].Number);
        }
        Kit.Check(at == data.Length && wanted.Count > 0, name + ": read to its end");
        Kit.Check(watcher.Shown.SequenceEqual(wanted), name + ": frames that are shown");
        Kit.Check(watcher.Epochs == epochs && session.Counts.Old == old, name + ": epochs " + watcher.Epochs + ", old " + session.Counts.Old);
        Kit.Check(session.Counts.Malformed == 0, name + ": malformed " + session.Counts.Malformed);
        Kit.Check(session.Player.Buffer.Epoch == expected["epoch"].Number, name + ": epoch");
        Kit.Check(session.Player.Buffer.Newest.Header.Sequence == expected["newest_sequence"].Number, name + ": newest");
    }

    /// <summary>Random damage to good messages: no exception, nothing that is not finite.</summary>
    public static void Fuzz()
    {
        var decoders = Decoders();
        var random = new Random(1);
        var readies = new Dictionary<string, string> { { "sway_f32", "f32" }, { "sway_q16", "q16" }, { "flag_all_q16_10", "q16_10" }, { "audio_tone", "f32" }, { "future_pose", "future" } };
        foreach (var entry in readies)
        {
            var good = Kit.Bytes("messages/" + entry.Key + ".bin");
            for (var i = 0; i < 500; ++i) Decode(Damaged(good, i % 3 == 0, random), decoders[entry.Value]);
        }
        var text = Kit.Bytes("ready/future.json");
        for (var i = 0; i < 500; ++i)
        {
            var session = Open(new Quiet());
            var bad = Damaged(text, i % 3 == 0, random);
            session.ReceiveText(bad, bad.Length, 0.0);
        }
    }

    static byte[] Damaged(byte[] good, bool shorter, Random random)
    {
        var bad = good.Take(shorter ? random.Next(good.Length + 1) : good.Length).ToArray();
        for (var k = random.Next(1, 9); bad.Length > 0 && k > 0; --k) bad[random.Next(bad.Length)] = (byte)random.Next(256);
        return bad;
    }
}
