using System;
using System.Collections.Generic;
using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// Moves any rig that was imported as Humanoid, from the T-pose of its avatar: bones of any axes, missing bones, any size. Writes
    /// in LateUpdate, after the Animator, whose own motion it replaces.
    /// </summary>
    [DefaultExecutionOrder(100)]
    [AddComponentMenu("GestureStream/Humanoid Avatar")]
    public sealed class HumanoidAvatar : MonoBehaviour
    {
        public GestureStreamClient client;
        [Tooltip("Empty: the one on this object.")]
        public Animator animator;
        [Tooltip("Off: the body stays where it is and only turns and bends.")]
        public bool moveRoot = true;

        readonly Dictionary<string, SkeletonBone> _tPose = new Dictionary<string, SkeletonBone>();
        BoundBody _body;
        Ready _boundTo;

        void Awake()
        {
            if (animator == null) animator = GetComponent<Animator>();
            if (animator == null || animator.avatar == null || !animator.avatar.isHuman || animator.GetBoneTransform(HumanBodyBones.Hips) == null)
            {
                Debug.LogError("HumanoidAvatar: " + name + " needs an enabled Animator with a Humanoid avatar (Rig > Animation Type > Humanoid) and Optimize Game Objects off.", this);
                enabled = false;
                return;
            }
            // Avatars made before Unity 2019.1 have none until they are imported again: then the pose of now counts as T-pose.
            var skeleton = animator.avatar.humanDescription.skeleton;
            if (skeleton != null)
            {
                foreach (var bone in skeleton) _tPose[bone.name] = bone;
            }
        }

        void LateUpdate()
        {
            if (client == null || !client.HasPose || client.Ready == null) return;
            if (_boundTo != client.Ready) Bind(client.Ready);
            _body.Show(client.Pose, client.Ready, moveRoot, client.DrivesFaceJoints);
        }

        void Bind(Ready ready)
        {
            _boundTo = ready;
            _body = new BoundBody(animator.transform);
            for (var j = 0; j < ready.JointNames.Count; ++j)
            {
                HumanBodyBones part;
                if (!HumanoidJoints.ByName.TryGetValue(ready.JointNames[j], out part)) continue;
                var bone = animator.GetBoneTransform(part);
                if (bone == null) continue;  // chest, toes, fingers and others may be missing: their turn goes into what hangs on them
                Quaternion rotation;
                Vector3 position;
                Rest(bone, out position, out rotation);
                _body.Add(bone, j, rotation);
            }
            var hips = animator.GetBoneTransform(HumanBodyBones.Hips);
            Quaternion turned;
            Vector3 height;
            Rest(hips, out height, out turned);
            _body.Finish(hips, height, height.y / ready.Rest_m[1]);
        }

        // Where the bone is in T-pose, in the animator's space, whatever is shown now.
        void Rest(Transform bone, out Vector3 position, out Quaternion rotation)
        {
            position = Vector3.zero;
            rotation = Quaternion.identity;
            for (var at = bone; at != null && at != animator.transform; at = at.parent)
            {
                SkeletonBone rest;
                var known = _tPose.TryGetValue(at.name, out rest);
                var turn = known ? rest.rotation : at.localRotation;
                position = (known ? rest.position : at.localPosition) + turn * Vector3.Scale(known ? rest.scale : at.localScale, position);
                rotation = turn * rotation;
            }
        }
    }

    /// <summary>SMPL-X joints that Humanoid rigs have, by name.</summary>
    static class HumanoidJoints
    {
        public static readonly Dictionary<string, HumanBodyBones> ByName = Table();

        static Dictionary<string, HumanBodyBones> Table()
        {
            var table = new Dictionary<string, HumanBodyBones>
            {
                { "pelvis", HumanBodyBones.Hips }, { "spine1", HumanBodyBones.Spine }, { "spine2", HumanBodyBones.Chest },
                { "spine3", HumanBodyBones.UpperChest }, { "neck", HumanBodyBones.Neck }, { "head", HumanBodyBones.Head },
                { "jaw", HumanBodyBones.Jaw }, { "left_eye_smplhf", HumanBodyBones.LeftEye }, { "right_eye_smplhf", HumanBodyBones.RightEye },
            };
            foreach (var side in new[] { "left", "right" })
            {
                var part = side == "left" ? "Left" : "Right";
                var limbs = new[] { "hip", "UpperLeg", "knee", "LowerLeg", "ankle", "Foot", "foot", "Toes", "collar", "Shoulder", "shoulder", "UpperArm", "elbow", "LowerArm", "wrist", "Hand" };
                for (var i = 0; i < limbs.Length; i += 2) table[side + "_" + limbs[i]] = Part(part + limbs[i + 1]);
                var fingers = new[] { "index", "Index", "middle", "Middle", "pinky", "Little", "ring", "Ring", "thumb", "Thumb" };
                var links = new[] { "Proximal", "Intermediate", "Distal" };
                for (var i = 0; i < fingers.Length; i += 2)
                {
                    for (var k = 0; k < 3; ++k) table[side + "_" + fingers[i] + (k + 1)] = Part(part + fingers[i + 1] + links[k]);
                }
            }
            return table;
        }

        static HumanBodyBones Part(string name)
        {
            return (HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), name);
        }
    }
}
