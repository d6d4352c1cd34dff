using System;
using System.Collections.Generic;
using System.IO;
using GestureStream;

/// <summary>Checks that go on after a failure and count, and the conformance kit's files.</summary>
static class Kit
{
    public static int Failures;
    public static string Golden;

    public static void Check(bool good, string text)
    {
        if (good) return;
        ++Failures;
        Console.Error.WriteLine("FAILED: " + text);
    }

    public static byte[] Bytes(string name)
    {
        return File.ReadAllBytes(Path.Combine(Golden, name));
    }

    public static Json ReadJson(string name)
    {
        Json value;
        if (!Json.TryParseObject(File.ReadAllText(Path.Combine(Golden, name)), out value)) throw new InvalidDataException("not JSON: " + name);
        return value;
    }

    public static Ready ReadReady(string name)
    {
        return Ready.From(ReadJson("ready/" + name + ".json"));
    }

    public static Frame LoadFrame(string name, string ready)
    {
        var data = Bytes("messages/" + name + ".bin");
        var told = ReadReady(ready);
        var decoder = new FrameDecoder();
        var frame = new Frame();
        FrameHeader header;
        var good = decoder.SetLayout(told.Layout, told.FrameBytes) && Wire.TryReadHeader(data, data.Length, out header) && decoder.TryDecode(data, data.Length, header, frame);
        Check(good, name + " decodes");
        return frame;
    }

    /// <summary>Exact for small angles, where acos is not.</summary>
    public static double AngleBetween(float[] a, float[] b, int at)
    {
        double dot = 0.0, rest = 0.0;
        for (var i = 0; i < 4; ++i) dot += (double)a[at + i] * b[at + i];
        for (var i = 0; i < 4; ++i) rest += Math.Pow(b[at + i] - dot * a[at + i], 2);
        return 2.0 * Math.Atan2(Math.Sqrt(rest), Math.Abs(dot));
    }

    static int Main(string[] arguments)
    {
        Golden = arguments[0];
        var tests = new Dictionary<string, Action>
        {
            { "messages", Decoding.Messages }, { "texts", Decoding.Texts }, { "streams", Decoding.Streams }, { "fuzz", Decoding.Fuzz },
            { "interpolation", Motion.Interpolation }, { "axes", Motion.AxesOfUnity }, { "retarget", Motion.Retarget }, { "delays", Motion.Delays }, { "fades", Motion.Fades },
            { "reconnect", Parts.Reconnect }, { "voice", Parts.Voice }, { "small_parts", Parts.SmallParts }, { "garbage", Parts.Garbage },
        };
        tests[arguments[1]]();
        return Failures > 0 ? 1 : 0;
    }
}

/// <summary>What a session sends, as texts.</summary>
sealed class Sent : IOutput
{
    public readonly List<string> Texts = new List<string>();

    public void Send(byte[] data, int count, bool text)
    {
        Texts.Add(System.Text.Encoding.UTF8.GetString(data, 0, count));
    }

    public string Take()
    {
        var all = string.Join("\n", Texts.ToArray());
        Texts.Clear();
        return all;
    }
}

sealed class Quiet : SessionListener { }
