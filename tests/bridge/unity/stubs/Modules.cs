// Signatures of the modules Animation, Audio, Physics, IMGUI and of the core's graphics, by hand from the documented scripting API.
using System;
using System.Collections.Generic;

namespace UnityEngine
{
    // AnimationModule
    public enum HumanBodyBones
    {
        Hips = 0, LeftUpperLeg = 1, RightUpperLeg = 2, LeftLowerLeg = 3, RightLowerLeg = 4, LeftFoot = 5, RightFoot = 6, Spine = 7, Chest = 8,
        UpperChest = 54, Neck = 9, Head = 10, LeftShoulder = 11, RightShoulder = 12, LeftUpperArm = 13, RightUpperArm = 14, LeftLowerArm = 15,
        RightLowerArm = 16, LeftHand = 17, RightHand = 18, LeftToes = 19, RightToes = 20, LeftEye = 21, RightEye = 22, Jaw = 23,
        LeftThumbProximal = 24, LeftThumbIntermediate = 25, LeftThumbDistal = 26, LeftIndexProximal = 27, LeftIndexIntermediate = 28,
        LeftIndexDistal = 29, LeftMiddleProximal = 30, LeftMiddleIntermediate = 31, LeftMiddleDistal = 32, LeftRingProximal = 33,
        LeftRingIntermediate = 34, LeftRingDistal = 35, LeftLittleProximal = 36, LeftLittleIntermediate = 37, LeftLittleDistal = 38,
        RightThumbProximal = 39, RightThumbIntermediate = 40, RightThumbDistal = 41, RightIndexProximal = 42, RightIndexIntermediate = 43,
        RightIndexDistal = 44, RightMiddleProximal = 45, RightMiddleIntermediate = 46, RightMiddleDistal = 47, RightRingProximal = 48,
        RightRingIntermediate = 49, RightRingDistal = 50, RightLittleProximal = 51, RightLittleIntermediate = 52, RightLittleDistal = 53,
        LastBone = 55,
    }

    public struct SkeletonBone
    {
        public string name;
        public Vector3 position;
        public Quaternion rotation;
        public Vector3 scale;
    }

    public struct HumanDescription
    {
        public SkeletonBone[] skeleton;
    }

    public class Avatar : Object
    {
        public bool isHuman { get; set; }                          // read-only in Unity
        public HumanDescription humanDescription { get; set; }  // read-only in Unity
    }

    public class Animator : Behaviour
    {
        public readonly Dictionary<HumanBodyBones, Transform> Bones = new Dictionary<HumanBodyBones, Transform>();  // not Unity's

        public Avatar avatar { get; set; }

        public Transform GetBoneTransform(HumanBodyBones humanBoneId)
        {
            Transform bone;
            return Bones.TryGetValue(humanBoneId, out bone) ? bone : null;
        }
    }

    // AudioModule
    public sealed class AudioClip : Object
    {
        float[] _data;

        public int frequency { get; private set; }
        public int channels { get; private set; }
        public int samples { get { return _data.Length / channels; } }

        public static AudioClip Create(string name, int lengthSamples, int channels, int frequency, bool stream)
        {
            return new AudioClip { name = name, _data = new float[lengthSamples * channels], channels = channels, frequency = frequency };
        }

        public bool GetData(float[] data, int offsetSamples)
        {
            for (var i = 0; i < data.Length; ++i) data[i] = _data[(offsetSamples * channels + i) % _data.Length];
            return true;
        }

        public bool SetData(float[] data, int offsetSamples)
        {
            for (var i = 0; i < data.Length; ++i) _data[(offsetSamples * channels + i) % _data.Length] = data[i];
            return true;
        }
    }

    public sealed class AudioSource : Behaviour
    {
        public AudioClip clip { get; set; }
        public bool loop { get; set; }
        public void Play() { }
        public void Stop() { }
    }

    public sealed class AudioListener : Behaviour { }

    public static class AudioSettings
    {
        public static int outputSampleRate { get { return 48000; } }

        public static void GetDSPBufferSize(out int bufferLength, out int numBuffers)
        {
            bufferLength = 256;
            numBuffers = 4;
        }
    }

    /// <summary>Records a clip that a test puts there, as fast as `Recorded` says.</summary>
    public sealed class Microphone
    {
        public static AudioClip Recording;  // not Unity's
        public static int Recorded;         // nor this

        public static string[] devices { get { return new[] { "stand-in" }; } }

        public static AudioClip Start(string deviceName, bool loop, int lengthSec, int frequency)
        {
            return Recording = AudioClip.Create(deviceName, lengthSec * frequency, 1, frequency, false);
        }

        public static void End(string deviceName) { }

        public static int GetPosition(string deviceName)
        {
            return Recorded % Recording.samples;
        }

        public static void GetDeviceCaps(string deviceName, out int minFreq, out int maxFreq)
        {
            minFreq = 8000;
            maxFreq = 16000;
        }
    }

    // CoreModule: graphics
    public sealed class Mesh : Object
    {
        public readonly List<string> Shapes = new List<string>();  // not Unity's

        public int blendShapeCount { get { return Shapes.Count; } }

        public string GetBlendShapeName(int shapeIndex)
        {
            return Shapes[shapeIndex];
        }

        public int GetBlendShapeFrameCount(int shapeIndex)
        {
            return 1;
        }

        public float GetBlendShapeFrameWeight(int shapeIndex, int frameIndex)
        {
            return 100f;
        }
    }

    public sealed class SkinnedMeshRenderer : Component
    {
        public readonly Dictionary<int, float> Weights = new Dictionary<int, float>();  // not Unity's

        public Mesh sharedMesh { get; set; }

        public void SetBlendShapeWeight(int index, float value)
        {
            Weights[index] = value;
        }
    }

    public enum PrimitiveType { Sphere = 0, Capsule = 1 }

    public sealed class Camera : Behaviour
    {
        public static Camera main { get { return null; } }
    }

    public enum LightType { Spot = 0, Directional = 1 }

    public sealed class Light : Behaviour
    {
        public LightType type { get; set; }
    }

    // PhysicsModule
    public class Collider : Component { }

    // IMGUIModule
    public sealed class GUILayoutOption { }

    public class GUILayout
    {
        public static void BeginArea(Rect screenRect) { }
        public static void EndArea() { }
        public static void Label(string text, params GUILayoutOption[] options) { }

        public static bool Button(string text, params GUILayoutOption[] options)
        {
            return false;
        }
    }
}

namespace UnityEditor
{
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType) { }
    }

    public class Editor : UnityEngine.Object
    {
        public UnityEngine.Object target { get; set; }
        public virtual void OnInspectorGUI() { }

        public virtual bool RequiresConstantRepaint()
        {
            return false;
        }

        public bool DrawDefaultInspector()
        {
            return false;
        }
    }

    public sealed class EditorGUILayout
    {
        public static void LabelField(string label, string label2, params UnityEngine.GUILayoutOption[] options) { }
    }
}
