using System;
using System.Globalization;
using System.Linq;
using GestureStream;

/// <summary>What is shown: interpolation, axes, bones with other axes, and the delay script on a virtual clock.</summary>
static class Motion
{
    const int MovingJoint = 16, Head = 15, LeftWrist = 20, RightWrist = 21;

    public static void Interpolation()
    {
        var expected = Kit.ReadJson("interpolation.json");
        Frame a = Kit.LoadFrame("sign_flip_before", "f32_body"), b = Kit.LoadFrame("sign_flip_after", "f32_body");
        Kit.Check(expected["cases"].Items.Count > 1, "cases");
        foreach (var entry in expected["cases"].Items)
        {
            var pose = new Pose();
            pose.Interpolate(a, b, entry["t"].Number);
            var wanted = entry["quat_xyzw"].Items.Select(item => (float)item.Number).ToArray();
            for (var at = 0; at < wanted.Length; at += 4)
            {
                var off = Kit.AngleBetween(wanted, pose.QuatXyzw, at);
                Kit.Check(off < expected["tolerance"].Number, "t " + entry["t"].Number + ", joint " + at / 4 + ": off by " + off);
            }
        }
    }

    // As Unity composes transforms: a child's place is its parent's and its localPosition, turned by the parent.
    static Vec[] UnityJoints(Frame frame, Ready ready)
    {
        var turns = new Quat[Wire.Joints];
        Axes.WorldRotations(frame.QuatXyzw, ready.Parents, turns);
        var places = new Vec[Wire.Joints];
        for (var j = 0; j < Wire.Joints; ++j)
        {
            var parent = ready.Parents[j];
            places[j] = parent < 0 ? Axes.Root(frame.Root_m) : places[parent] + Axes.RestOffset(ready, j).RotatedBy(turns[parent]);
        }
        return places;
    }

    static void CheckPlaces(string name, Json expected, Vec[] places, double tolerance_m)
    {
        for (var j = 0; j < Wire.Joints; ++j)
        {
            var wanted = new Vec(expected.Items[3 * j].Number, expected.Items[3 * j + 1].Number, expected.Items[3 * j + 2].Number);
            var off = wanted - places[j];
            Kit.Check(Math.Abs(off.X) < tolerance_m && Math.Abs(off.Y) < tolerance_m && Math.Abs(off.Z) < tolerance_m, name + ", joint " + j + " off by " + off.X + " " + off.Y + " " + off.Z);
        }
    }

    public static void AxesOfUnity()
    {
        var axes = Kit.ReadJson("axes.json");
        var ready = Kit.ReadReady("f32_body");
        Kit.Check(axes["joint_positions"].Members.Count >= 2, "poses");
        foreach (var entry in axes["joint_positions"].Members)
        {
            CheckPlaces(entry.Key, entry.Value["unity"], UnityJoints(Kit.LoadFrame(entry.Key, "f32_body"), ready), axes["tolerance_m"].Number);
        }
        // Said without the kit's formulas: a body that faces +Z in Unity's left-handed frame has its left at -X.
        var raised = UnityJoints(Kit.LoadFrame("left_arm_raised_f32_body", "f32_body"), ready);
        Kit.Check(raised[LeftWrist].Y > raised[Head].Y + 0.1 && raised[LeftWrist].X < -0.05, "the left wrist is above the head, on the left");
        Kit.Check(raised[RightWrist].Y < raised[Head].Y && raised[RightWrist].X > 0.4, "the right arm is stretched out to the right");
        Kit.Check(raised[10].Z > raised[7].Z, "the feet point forward, to +Z");
    }

    // The same skeleton with bones that point anywhere in the T-pose, as in most rigs: the joints must be at the same places.
    public static void Retarget()
    {
        var random = new Random(3);
        var ready = Kit.ReadReady("f32_body");
        var rest = Enumerable.Range(0, Wire.Joints).Select(_ => Any(random)).ToArray();
        var retargeter = new Retargeter(Enumerable.Range(0, Wire.Joints).ToArray(), rest);
        var axes = Kit.ReadJson("axes.json");
        foreach (var entry in axes["joint_positions"].Members)
        {
            var pose = new Pose();
            pose.CopyFrom(Kit.LoadFrame(entry.Key, "f32_body"));
            var turns = retargeter.Solve(pose, ready.Parents);
            var places = new Vec[Wire.Joints];
            for (var j = 0; j < Wire.Joints; ++j)
            {
                var parent = ready.Parents[j];
                // localPosition of a bone in the axes of its parent, which are turned against the model's.
                if (parent >= 0) places[j] = places[parent] + Axes.RestOffset(ready, j).RotatedBy(rest[parent].Inverse).RotatedBy(turns[parent]);
                else places[j] = Retargeter.Hips(pose, ready, Axes.RestPosition(ready, 0), 1.0);
            }
            CheckPlaces(entry.Key, entry.Value["unity"], places, axes["tolerance_m"].Number);
            var taller = Retargeter.Hips(pose, ready, new Vec(0.0, 2.0 * ready.Rest_m[1], 0.0), 2.0);
            Kit.Check(Math.Abs(taller.Y - 2.0 * places[0].Y) < 1e-6, "hips twice as high move twice as far");
        }
    }

    static Quat Any(Random random)
    {
        double x = random.NextDouble() - 0.5, y = random.NextDouble() - 0.5, z = random.NextDouble() - 0.5, w = random.NextDouble() - 0.5;
        var norm = Math.Sqrt(x * x + y * y + z * z + w * w);
        return new Quat(x / norm, y / norm, z / norm, w / norm);
    }

    static Frame Swinging(double media_s, double angle)
    {
        var frame = new Frame { Root_m = new[] { 0f, 0.95f, 0f }, QuatXyzw = Pose.RestRotations() };
        frame.Header.MediaTime_s = media_s;
        frame.Header.Sequence = (uint)Math.Round(30.0 * media_s);
        frame.QuatXyzw[4 * MovingJoint + 2] = (float)Math.Sin(angle / 2.0);
        frame.QuatXyzw[4 * MovingJoint + 3] = (float)Math.Cos(angle / 2.0);
        return frame;
    }

    // 60 pictures a second of what arrives through the bad network of delays.json.
    public static void Delays()
    {
        var told = Kit.ReadJson("delays.json");
        var arrivals = told["arrival_s"].Items.Select(item => item.Number).ToArray();
        double amplitude = told["motion"]["amplitude_rad"].Number, frequency = told["motion"]["frequency_hz"].Number;
        double dt = 1.0 / 60.0, fastest = told["max_speed_rad_s"].Number;
        var player = new Player();
        Pose pose = new Pose(), before = new Pose();
        int next = 0, pictures = 0, frozen = 0;
        double worst = 0.0, shown_s = 0.0, over = 0.0, longest = 0.0;
        for (var now = 0.0; now < 60.0; now += dt)
        {
            for (; next < arrivals.Length && arrivals[next] <= now; ++next)
            {
                var frame = Swinging(next / 30.0, amplitude * Math.Sin(2.0 * Math.PI * frequency * next / 30.0));
                player.Push(ref frame, arrivals[next]);
            }
            if (!player.Update(now, pose)) continue;
            if (now > 1.0)
            {
                var turned = Kit.AngleBetween(before.QuatXyzw, pose.QuatXyzw, 4 * MovingJoint);
                worst = Math.Max(worst, turned / dt / fastest);
                if (turned < 1e-5 || player.Playhead_s - shown_s < 0.1 * dt) ++frozen;  // crawling counts as standing still
                ++pictures;
            }
            before.CopyFrom(pose);
            shown_s = player.Playhead_s;
            longest = Math.Max(longest, player.Delay_s(now));
            foreach (var stall in told["stalls_s"].Items)
            {
                var since = now - stall.Items[1].Number - told["limits"]["recovery_s"].Number;
                if (since >= 0.0 && since < dt) over = Math.Max(over, player.Delay_s(now) - player.Clock.Delay_s);
            }
        }
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{\"speed_ratio\": {0:F3}, \"frozen_share\": {1:F4}, \"delay_s\": {2:F3}, \"longest_delay_s\": {3:F3}, \"over_after_1s_s\": {4:F4}, \"discarded\": {5}}}",
            worst, (double)frozen / pictures, player.Clock.Delay_s, longest, over, player.Buffer.Discarded));
        Kit.Check(worst <= told["limits"]["speed_ratio"].Number, "angular speed " + worst + " times the source's");
        Kit.Check(worst > 0.9, "the joint moved");
        Kit.Check(frozen <= told["limits"]["frozen_share"].Number * pictures, "frozen pictures: " + frozen + " of " + pictures);
        Kit.Check(over < 0.02, "a second after a stall the delay is " + over + " s over its target");
        Kit.Check(player.Clock.Delay_s < 0.12, "the delay settled at " + player.Clock.Delay_s);
        Kit.Check(longest > 0.2, "the stalls were felt");
        Kit.Check(player.Buffer.Discarded == 0, "nothing was thrown away");
    }

    // Cross-fades begin at what is on the screen, wherever they begin, and what is of an old epoch has no part in them.
    public static void Fades()
    {
        var fresh = new Player();  // a session opens, and is interrupted before its first picture: there is nothing to fade from
        fresh.Restart(10.0);
        Push(fresh, 0.0, 0.5, 0, 10.02);
        Kit.Check(Push(fresh, 0.1, 0.8, 1, 10.03), "an epoch is opened");
        foreach (var now_s in new[] { 10.04, 10.06, 10.1 }) Kit.Check(Math.Abs(Shown(fresh, now_s) - 0.8) < 1e-6, "nothing but the new epoch at " + now_s);

        var player = new Player();
        for (var k = 0; k < 10; ++k) Push(player, k / 30.0, 0.2, 65535, 20.0 + k / 30.0);
        Kit.Check(Math.Abs(Shown(player, 20.35) - 0.2) < 1e-6, "the old epoch");
        Kit.Check(Push(player, 0.4, 1.0, 0, 20.36), "the next epoch, over the wrap");
        Kit.Check(Math.Abs(Shown(player, 20.36) - 0.2) < 1e-6, "no jump");
        Kit.Check(!Push(player, 0.41, -1.0, 65535, 20.4) && player.Buffer.Count == 1, "a late frame is thrown away");
        var halfway = Shown(player, 20.435);
        Kit.Check(Math.Abs(halfway - 0.6) < 0.02, "half the fade is half the way, got " + halfway);
        Kit.Check(Push(player, 0.5, -0.4, 1, 20.436) && Math.Abs(Shown(player, 20.436) - halfway) < 0.01, "interrupted in a fade: from where it is");
        Kit.Check(Math.Abs(Shown(player, 20.6) + 0.4) < 1e-6, "the newest epoch and nothing else");
    }

    static bool Push(Player player, double media_s, double angle, ushort epoch, double now_s)
    {
        var frame = Swinging(media_s, angle);
        frame.Header.Epoch = epoch;
        return player.Push(ref frame, now_s);
    }

    static double Shown(Player player, double now_s)
    {
        var pose = new Pose();
        return player.Update(now_s, pose) ? 2.0 * Math.Asin(pose.QuatXyzw[4 * MovingJoint + 2]) : -1.0;
    }
}
