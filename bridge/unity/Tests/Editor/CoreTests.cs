using NUnit.Framework;

namespace GestureStream
{
    /// <summary>What the core promises, for Unity's test runner. The long checks against golden files run outside Unity.</summary>
    public sealed class CoreTests
    {
        static Frame FrameAt(double media_s, ushort epoch = 0, float turn = 0f)
        {
            var frame = new Frame { Root_m = new[] { 0f, 0.95f, 0f }, QuatXyzw = Pose.RestRotations() };
            frame.Header.MediaTime_s = media_s;
            frame.Header.Epoch = epoch;
            frame.QuatXyzw[2] = (float)System.Math.Sin(turn / 2);
            frame.QuatXyzw[3] = (float)System.Math.Cos(turn / 2);
            return frame;
        }

        [Test]
        public void LeftStaysLeft()
        {
            // A quarter turn about the wire's +Z (forward) raises the left arm, which lies along the wire's +X.
            var raise = Axes.ToUnity(new Quat(0, 0, System.Math.Sqrt(0.5), System.Math.Sqrt(0.5)));
            var arm = Axes.ToUnity(new Vec(1, 0, 0));
            Assert.AreEqual(-1.0, arm.X, 1e-9);  // left is -X in Unity
            Assert.AreEqual(1.0, arm.RotatedBy(raise).Y, 1e-9);
        }

        [Test]
        public void FramesAreShownInOrderOfMediaTime()
        {
            var buffer = new JitterBuffer();
            foreach (var media_s in new[] { 0.0, 0.2, 0.1 })
            {
                var frame = FrameAt(media_s);
                buffer.Push(ref frame);
            }
            Assert.AreEqual(0.1, buffer[1].Header.MediaTime_s, 1e-9);
            Assert.AreEqual(3, buffer.Count);
        }

        [Test]
        public void AnInterruptDiscardsOlderFrames()
        {
            var player = new Player();
            var pose = new Pose();
            Frame before = FrameAt(1.0, 65535), opens = FrameAt(1.1, 0, 1f), late = FrameAt(1.2, 65535);
            player.Push(ref before, 0.0);
            player.Update(0.1, pose);
            Assert.IsTrue(player.Push(ref opens, 0.1));  // the epoch wraps
            Assert.IsFalse(player.Push(ref late, 0.2));
            player.Update(0.5, pose);
            Assert.AreEqual(System.Math.Sin(0.5), pose.QuatXyzw[2], 1e-4);
            Assert.AreEqual(1.1, player.Playhead_s, 1e-9);
        }

        [Test]
        public void OnlyStrictJsonIsRead()
        {
            Json value;
            Assert.IsTrue(Json.TryParseObject("{\"a\":[1,-2.5e3,true,null,\"\\u00e4\"]}", out value));
            Assert.AreEqual(-2500.0, value["a"].Items[1].Number, 1e-9);
            Assert.IsFalse(Json.TryParseObject("{\"a\":NaN}", out value));
            Assert.IsFalse(Json.TryParseObject("{\"a\":1,}", out value));
            Assert.IsFalse(Json.TryParseObject("[]", out value));
        }

        [Test]
        public void ShapesAreFoundUnderTheNamesToolsGiveThem()
        {
            foreach (var name in new[] { "eyeBlinkLeft", "EyeBlink_L", "blendShape1.eyeBlink_L", "Face:eye_blink_left" })
            {
                Assert.AreEqual("eyeblinkleft", BlendshapeNames.Plain(name));
            }
        }

        [Test]
        public void TheVoiceFollowsTheBody()
        {
            var voice = new VoiceQueue();
            var samples = new short[16000];
            for (var i = 8000; i < 16000; ++i) samples[i] = 16384;
            voice.Push(0.0, samples, samples.Length, 16000);
            voice.Follow(0.49, 10.0, 0.0);
            var heard = new float[960];
            voice.Read(heard, heard.Length, 48000, 10.0);
            Assert.AreEqual(0.0, heard[240], 1e-3);  // 0.495 s
            Assert.AreEqual(0.5, heard[720], 1e-3);  // 0.505 s
        }
    }
}
