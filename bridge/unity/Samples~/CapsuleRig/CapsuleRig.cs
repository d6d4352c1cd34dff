using System.Collections.Generic;
using UnityEngine;

namespace GestureStream.Samples
{
    /// <summary>A body of capsules with the joints and the size of the server's: needs no model, shows every rotation.</summary>
    public static class CapsuleRig
    {
        static readonly Dictionary<string, float> Radius_m = new Dictionary<string, float>
        {
            { "spine1", 0.11f }, { "spine2", 0.115f }, { "spine3", 0.125f }, { "neck", 0.055f }, { "head", 0.05f }, { "collar", 0.05f },
            { "shoulder", 0.05f }, { "elbow", 0.045f }, { "wrist", 0.036f }, { "hip", 0.085f }, { "knee", 0.07f }, { "ankle", 0.05f },
            { "foot", 0.04f }, { "eye", 0.018f }, { "jaw", 0.03f },
        };
        const float Finger_m = 0.009f, Palm_m = 0.014f;

        /// <summary>Bones with SMPL-X names below <paramref name="parent"/>, in T-pose, soles on its floor.</summary>
        public static void Build(Ready ready, Transform parent)
        {
            var bones = new Transform[ready.JointNames.Count];
            for (var j = 0; j < bones.Length; ++j)
            {
                var bone = bones[j] = new GameObject(ready.JointNames[j]).transform;
                var above = ready.Parents[j];
                bone.SetParent(above < 0 ? parent : bones[above], false);
                var offset = Axes.RestOffset(ready, j);
                bone.localPosition = new Vector3((float)offset.X, (float)offset.Y, (float)offset.Z);
                if (above >= 0) Capsule(bones[above], bone.localPosition, Radius(ready.JointNames[j], ready.JointNames[above]));
                Round(ready.JointNames[j], bone);
            }
        }

        static void Round(string joint, Transform bone)
        {
            switch (joint)
            {
                case "head": Sphere(bone, new Vector3(0f, 0.08f, 0.02f), new Vector3(0.17f, 0.23f, 0.2f)); break;
                case "spine3": Sphere(bone, new Vector3(0f, 0.06f, 0f), new Vector3(0.34f, 0.34f, 0.29f)); break;
                case "pelvis": Sphere(bone, new Vector3(0f, -0.01f, 0f), new Vector3(0.33f, 0.26f, 0.27f)); break;
            }
        }

        static void Sphere(Transform bone, Vector3 position, Vector3 size_m)
        {
            Shape(PrimitiveType.Sphere, bone, position, Quaternion.identity, size_m);
        }

        static float Radius(string joint, string above)
        {
            foreach (var entry in Radius_m)
            {
                if (joint.Contains(entry.Key)) return entry.Value;
            }
            return above.Contains("wrist") ? Palm_m : Finger_m;
        }

        // From a joint to the next; a capsule of Unity is 2 high and 1 wide and stands along y.
        static void Capsule(Transform bone, Vector3 to, float radius_m)
        {
            var scale = new Vector3(2f * radius_m, to.magnitude / 2f + radius_m / 2f, 2f * radius_m);
            Shape(PrimitiveType.Capsule, bone, to / 2f, Quaternion.FromToRotation(Vector3.up, to), scale);
        }

        static void Shape(PrimitiveType type, Transform bone, Vector3 position, Quaternion rotation, Vector3 scale)
        {
            var shape = GameObject.CreatePrimitive(type);
            Object.Destroy(shape.GetComponent<Collider>());
            shape.transform.SetParent(bone, false);
            shape.transform.localPosition = position;
            shape.transform.localRotation = rotation;
            shape.transform.localScale = scale;
        }
    }
}
