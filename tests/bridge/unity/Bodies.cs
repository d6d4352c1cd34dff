using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using GestureStream;
using GestureStream.Samples;
using UnityEngine;
using Pose = GestureStream.Pose;
using Random = System.Random;

/// <summary>
/// The package's components on a stand-in for the engine (stubs/): poses on rigs, faces, sources, and the sample's whole scene.
/// bodies.exe GOLDEN smplx|humanoid|face, bodies.exe GOLDEN pose MESSAGE SHAPES.csv, or
/// bodies.exe GOLDEN scene PORT clip|microphone|watch SECONDS [SHAPES.csv]; pictures.py draws the shapes.
/// </summary>
static class Bodies
{
    static int _failures;
    static string _golden;

    static void Check(bool good, string text)
    {
        if (good) return;
        ++_failures;
        Console.Error.WriteLine("FAILED: " + text);
    }

    static Json Read(string name)
    {
        Json value;
        Json.TryParseObject(File.ReadAllText(Path.Combine(_golden, name)), out value);
        return value;
    }

    // A client that shows one golden frame.
    static GestureStreamClient ClientWith(string message, Ready ready)
    {
        var client = new GameObject("client").AddComponent<GestureStreamClient>();
        client.connectOnStart = false;
        client.face = FaceFormat.JointsOnly;
        Set(client, "Ready", ready);
        Set(client, "HasPose", true);
        Show(client, message, ready);
        return client;
    }

    static void Show(GestureStreamClient client, string message, Ready ready)
    {
        var data = File.ReadAllBytes(Path.Combine(_golden, "messages", message + ".bin"));
        var decoder = new FrameDecoder();
        var frame = new Frame();
        FrameHeader header;
        decoder.SetLayout(ready.Layout, ready.FrameBytes);
        Check(Wire.TryReadHeader(data, data.Length, out header) && decoder.TryDecode(data, data.Length, header, frame), message);
        client.Pose.CopyFrom(frame);
    }

    static void Set(object of, string property, object value)
    {
        of.GetType().GetProperty(property).GetSetMethod(true).Invoke(of, new[] { value });
    }

    static Vector3 Expected(Json axes, string message, int joint)
    {
        var values = axes["joint_positions"][message]["unity"].Items;
        return new Vector3((float)values[3 * joint].Number, (float)values[3 * joint + 1].Number, (float)values[3 * joint + 2].Number);
    }

    static void CheckJoint(string what, Vector3 expected, Vector3 got)
    {
        Check((expected - got).magnitude < 1e-4f, what + ": expected " + expected.x + " " + expected.y + " " + expected.z + ", got " + got.x + " " + got.y + " " + got.z);
    }

    static IEnumerable<string> Poses(Json axes)
    {
        return axes["joint_positions"].Members.Keys;
    }

    // The sample's rig, in a scene where it stands elsewhere, turned and larger.
    static void Smplx()
    {
        var ready = Ready.From(Read("ready/f32_body.json"));
        var axes = Read("axes.json");
        var client = ClientWith(Poses(axes).First(), ready);
        var root = new GameObject("root").transform;
        root.localPosition = new Vector3(3f, 1f, -2f);
        root.localRotation = Quaternion.Euler(10f, 70f, -20f);
        root.localScale = new Vector3(1.5f, 1.5f, 1.5f);
        CapsuleRig.Build(ready, root);
        root.gameObject.AddComponent<SmplxAvatar>().client = client;
        foreach (var message in Poses(axes))
        {
            Show(client, message, ready);
            Scene.Picture(1f / 60f);
            for (var j = 0; j < Wire.Joints; ++j) CheckJoint(message + ", " + ready.JointNames[j], root.TransformPoint(Expected(axes, message, j)), Bone(root, ready.JointNames[j]).position);
        }
    }

    static Transform Bone(Transform root, string name)
    {
        return root.GetComponentsInChildren<Transform>(true).First(bone => bone.name == name);
    }

    // Twice as large, bones of any axes, without upper chest and jaw, a twist bone in the arm, scrambled when it wakes: only the
    // avatar knows the T-pose.
    static void Humanoid()
    {
        var ready = Ready.From(Read("ready/f32_body.json"));
        var axes = Read("axes.json");
        var random = new Random(11);
        var animator = new GameObject("humanoid").AddComponent<Animator>();
        animator.transform.localPosition = new Vector3(-1f, 0f, 4f);
        animator.transform.localRotation = Quaternion.Euler(0f, 120f, 0f);
        var bones = Rig(ready, animator, random);
        foreach (var bone in bones) bone.Value.localRotation = Any(random);
        var client = ClientWith(Poses(axes).First(), ready);
        animator.gameObject.AddComponent<HumanoidAvatar>().client = client;
        foreach (var message in Poses(axes))
        {
            Show(client, message, ready);
            Scene.Picture(1f / 60f);
            foreach (var entry in bones.Where(bone => animator.Bones.ContainsValue(bone.Value)))
            {
                var joint = ready.JointNames.IndexOf(entry.Key);
                // The spine of the body ends where the upper chest's bone would begin; what hangs on it turns with the joint that is missing.
                if (IsAbove(ready, joint, "spine3")) continue;
                CheckJoint(message + ", " + entry.Key, animator.transform.TransformPoint(2f * Expected(axes, message, joint)), entry.Value.position);
            }
            CheckTurns(message, ready, client.Pose, animator, bones);
        }
        Check(Debug.Said.Count == 0, string.Join("\n", Debug.Said.ToArray()));
    }

    static bool IsAbove(Ready ready, int joint, string ancestor)
    {
        for (var at = ready.Parents[joint]; at >= 0; at = ready.Parents[at])
        {
            if (ready.JointNames[at] == ancestor) return true;
        }
        return false;
    }

    static readonly Dictionary<Transform, Quaternion> Rest = new Dictionary<Transform, Quaternion>();

    // Every bone has turned by its joint's rotation in the model, in the body's own frame.
    static void CheckTurns(string message, Ready ready, Pose pose, Animator animator, Dictionary<string, Transform> bones)
    {
        var world = new Quat[Wire.Joints];
        Axes.WorldRotations(pose.QuatXyzw, ready.Parents, world);
        foreach (var entry in bones.Where(bone => animator.Bones.ContainsValue(bone.Value)))
        {
            var q = world[ready.JointNames.IndexOf(entry.Key)];
            var turned = animator.transform.rotation * new Quaternion((float)q.X, (float)q.Y, (float)q.Z, (float)q.W) * Rest[entry.Value];
            var got = entry.Value.rotation;
            var dot = Math.Abs(turned.x * got.x + turned.y * got.y + turned.z * got.z + turned.w * got.w);
            Check(dot > 1 - 1e-5, message + ", " + entry.Key + " turned, dot " + dot);
        }
    }

    // Bones by joint name, and the avatar that describes their T-pose.
    static Dictionary<string, Transform> Rig(Ready ready, Animator animator, Random random)
    {
        var table = (Dictionary<string, HumanBodyBones>)typeof(HumanoidAvatar).Assembly.GetType("GestureStream.HumanoidJoints").GetField("ByName").GetValue(null);
        var bones = new Dictionary<string, Transform>();
        var places = new Vector3[Wire.Joints];
        var skeleton = new List<SkeletonBone>();
        for (var j = 0; j < Wire.Joints; ++j)
        {
            var name = ready.JointNames[j];
            var p = Axes.RestPosition(ready, j);
            places[j] = 2f * new Vector3((float)p.X, (float)p.Y, (float)p.Z);
            if (name == "spine3" || name == "jaw" || !table.ContainsKey(name)) continue;
            var above = ready.Parents[j];
            while (above >= 0 && !bones.ContainsKey(ready.JointNames[above])) above = ready.Parents[above];
            var parent = above < 0 ? animator.transform : bones[ready.JointNames[above]];
            if (name == "left_elbow") parent = Place("twist", parent, animator.transform, (places[j] + places[above]) / 2f, Any(random), skeleton);
            bones[name] = Place("bone of " + name, parent, animator.transform, places[j], Any(random), skeleton);
            animator.Bones[table[name]] = bones[name];
        }
        animator.avatar = new Avatar { isHuman = true, humanDescription = new HumanDescription { skeleton = skeleton.ToArray() } };
        bones["twist"] = bones["left_elbow"].parent;
        bones.Remove("twist");
        return bones;
    }

    static Transform Place(string name, Transform parent, Transform frame, Vector3 place, Quaternion turn, List<SkeletonBone> skeleton)
    {
        var bone = new GameObject(name).transform;
        bone.SetParent(parent, false);
        bone.position = frame.TransformPoint(place);
        bone.rotation = frame.rotation * turn;
        Rest[bone] = turn;
        skeleton.Add(new SkeletonBone { name = name, position = bone.localPosition, rotation = bone.localRotation, scale = bone.localScale });
        return bone;
    }

    static Quaternion Any(Random random)
    {
        return Quaternion.Euler(360f * (float)random.NextDouble(), 360f * (float)random.NextDouble(), 360f * (float)random.NextDouble());
    }

    static void Face()
    {
        var ready = Ready.From(Read("ready/q16.json"));
        var client = ClientWith("sway_q16", ready);
        client.face = FaceFormat.Blendshapes;
        var head = new GameObject("head");
        var mesh = head.AddComponent<SkinnedMeshRenderer>();
        mesh.sharedMesh = new Mesh();
        mesh.sharedMesh.Shapes.AddRange(new[] { "Smile", "Face.JawOpen", "eyeBlink_R", "Exp000", "Exp009" });
        head.AddComponent<BlendshapeFace>().client = client;
        for (var i = 0; i < client.Pose.Blendshapes.Length; ++i) client.Pose.Blendshapes[i] = i / 100f;
        Scene.Picture(1f / 60f);
        var jaw = ready.BlendshapeNames.IndexOf("jawOpen");
        Check(mesh.Weights.Count == 2 && Math.Abs(mesh.Weights[1] - jaw) < 1e-4 && Math.Abs(mesh.Weights[2] - ready.BlendshapeNames.IndexOf("eyeBlinkRight")) < 1e-4, "ARKit shapes, and only they");
        mesh.Weights.Clear();
        client.face = FaceFormat.Expressions;
        Set(client, "Ready", Ready.From(Read("ready/q16_10.json")));
        client.Pose.Expressions = Enumerable.Range(0, 10).Select(i => 0.1f * i - 0.2f).ToArray();
        Scene.Picture(1f / 60f);
        Check(mesh.Weights.Count == 2 && Math.Abs(mesh.Weights[3] + 20f) < 1e-4 && Math.Abs(mesh.Weights[4] - 70f) < 1e-4, "expressions, and only they");
    }

    // The sample, picture by picture in real time, until it has moved, spoken and been interrupted.
    static void Play(string port, string voice, double seconds, string path)
    {
        var sample = new GameObject("sample");
        sample.SetActive(false);
        var scene = sample.AddComponent<CapsuleRigSample>();
        scene.url = "ws://127.0.0.1:" + port;
        scene.watch = voice == "watch";
        if (voice == "clip") scene.clip = Swelling();
        sample.SetActive(true);
        var client = sample.GetComponent<GestureStreamClient>();
        var moved = new Moved(client, path);
        var interrupted_s = -1.0;
        client.Interrupted += seconds_ => interrupted_s = seconds_;
        var sound = new float[2 * 800];
        var loudest = 0f;
        var asked = false;
        var began = StreamClient.Now_s;
        for (var picture = 0; StreamClient.Now_s - began < seconds && !(voice != "watch" && moved.Pictures > 150 && interrupted_s >= 0.0); ++picture)
        {
            Scene.Picture(1f / 60f);
            if (voice == "microphone") Speak(16000 / 60);
            Scene.Sound(sound, 2);
            if (voice == "clip" && client.IsConnected) loudest = Math.Max(loudest, sound.Max());
            moved.Look();
            if (voice != "watch" && moved.Pictures == 100 && !asked) asked = client.Interrupt();
            Thread.Sleep(Math.Max(0, (int)(1e3 * (began + picture / 60.0 - StreamClient.Now_s))));
        }
        var counts = client.Session.Counts;
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture,
            "{{\"frames\": {0}, \"malformed\": {1}, \"pictures\": {2}, \"travel_m\": {3:F3}, \"loudest\": {4:F3}, \"interrupted_s\": {5:F3}, \"said\": {6}}}",
            counts.Frames, counts.Malformed, moved.Pictures, moved.Travel_m, loudest, interrupted_s, Debug.Said.Count));
        foreach (var line in Debug.Said) Console.Error.WriteLine(line);
        foreach (var thing in GameObject.All.ToArray()) thing.SetActive(false);
        Thread.Sleep(200);  // for `end` to be sent
    }

    static AudioClip Swelling()
    {
        var clip = AudioClip.Create("swelling", 2 * 24000, 2, 24000, false);
        var data = new float[2 * clip.samples];
        for (var i = 0; i < clip.samples; ++i) data[2 * i] = (float)(0.4 * Math.Sin(0.0576 * i) * Math.Pow(Math.Sin(Math.PI * i / 24000), 2));
        clip.SetData(data, 0);
        return clip;
    }

    static void Speak(int samples)
    {
        if (Microphone.Recording == null) return;
        var data = new float[samples];
        for (var i = 0; i < samples; ++i) data[i] = 0.3f * (float)Math.Sin(0.09 * (Microphone.Recorded + i));
        Microphone.Recording.SetData(data, Microphone.Recorded % Microphone.Recording.samples);
        Microphone.Recorded += samples;
    }

    /// <summary>How far the wrists have come, and where all shapes of the rig were, one line a picture.</summary>
    sealed class Moved
    {
        public int Pictures;
        public double Travel_m;

        readonly GestureStreamClient _client;
        readonly StreamWriter _shapes;
        Transform _wrist;
        Vector3 _last;

        public Moved(GestureStreamClient client, string path)
        {
            _client = client;
            if (path != null) _shapes = new StreamWriter(path) { AutoFlush = true };
        }

        public void Look()
        {
            if (!_client.HasPose) return;
            if (_wrist == null) _wrist = Bone(_client.transform, "left_wrist");
            if (Pictures++ > 0) Travel_m += (_wrist.position - _last).magnitude;
            _last = _wrist.position;
            if (_shapes != null) _shapes.WriteLine(Shapes(_client.transform));
        }
    }

    // Of each primitive below: s(phere) or c(apsule), then where its origin and the ends of its axes are, in the world.
    static string Shapes(Transform root)
    {
        var corners = new[] { new Vector3(0f, 0f, 0f), new Vector3(1f, 0f, 0f), new Vector3(0f, 1f, 0f), new Vector3(0f, 0f, 1f) };
        var line = new List<string>();
        foreach (var shape in root.GetComponentsInChildren<Transform>(true).Where(at => at.name == "Sphere" || at.name == "Capsule"))
        {
            line.Add(shape.name == "Sphere" ? "s" : "c");
            line.AddRange(corners.Select(shape.TransformPoint).SelectMany(p => new[] { p.x, p.y, p.z }).Select(x => x.ToString("F4", CultureInfo.InvariantCulture)));
        }
        return string.Join(",", line.ToArray());
    }

    static void Draw(string message, string path)
    {
        var ready = Ready.From(Read("ready/f32_body.json"));
        var root = new GameObject("root").transform;
        CapsuleRig.Build(ready, root);
        root.gameObject.AddComponent<SmplxAvatar>().client = ClientWith(message, ready);
        Scene.Picture(1f / 60f);
        File.WriteAllText(path, Shapes(root) + "\n");
    }

    static int Main(string[] arguments)
    {
        _golden = arguments[0];
        switch (arguments[1])
        {
            case "smplx": Smplx(); break;
            case "humanoid": Humanoid(); break;
            case "face": Face(); break;
            case "pose": Draw(arguments[2], arguments[3]); break;
            case "scene": Play(arguments[2], arguments[3], double.Parse(arguments[4], CultureInfo.InvariantCulture), arguments.Length > 5 ? arguments[5] : null); break;
            default: return 2;
        }
        return _failures > 0 ? 1 : 0;
    }
}
