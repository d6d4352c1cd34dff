using System.Collections.Generic;
using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// Moves a rig whose bones have SMPL-X names (pelvis, left_hip, ... right_thumb3). It must stand in T-pose when this component
    /// wakes; which way its bones' axes point does not matter.
    /// </summary>
    [DefaultExecutionOrder(100)]
    [AddComponentMenu("GestureStream/SMPL-X Avatar")]
    public sealed class SmplxAvatar : MonoBehaviour
    {
        public GestureStreamClient client;
        [Tooltip("Off: the body stays where it is and only turns and bends.")]
        public bool moveRoot = true;

        readonly Dictionary<string, Transform> _bones = new Dictionary<string, Transform>();
        readonly Dictionary<string, Quaternion> _rest = new Dictionary<string, Quaternion>();
        Transform _frame;
        Vector3 _restHips;
        double _restLegs;
        BoundBody _body;
        Ready _boundTo;

        void Awake()
        {
            foreach (var bone in GetComponentsInChildren<Transform>(true)) _bones[bone.name] = bone;
            Transform pelvis, ankle;
            if (!_bones.TryGetValue("pelvis", out pelvis) || !_bones.TryGetValue("left_ankle", out ankle))
            {
                Debug.LogError("SmplxAvatar: no bones named pelvis and left_ankle under " + name + ": the rig needs SMPL-X names. For a Humanoid use HumanoidAvatar.", this);
                enabled = false;
                return;
            }
            _frame = pelvis.parent == null ? transform : pelvis.parent;
            var inverse = Quaternion.Inverse(_frame.rotation);
            foreach (var entry in _bones) _rest[entry.Key] = inverse * entry.Value.rotation;
            _restHips = _frame.InverseTransformPoint(pelvis.position);
            _restLegs = _restHips.y - _frame.InverseTransformPoint(ankle.position).y;
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
            _body = new BoundBody(_frame);
            for (var j = 0; j < ready.JointNames.Count; ++j)
            {
                var bone = Find(ready.JointNames[j]);
                if (bone != null) _body.Add(bone, j, _rest[bone.name]);
            }
            var pelvis = ready.JointNames.IndexOf("pelvis");
            var ankle = ready.JointNames.IndexOf("left_ankle");
            var legs = Axes.RestPosition(ready, pelvis).Y - Axes.RestPosition(ready, ankle).Y;
            _body.Finish(_bones["pelvis"], _restHips, _restLegs / legs);
        }

        // Some rigs name the eyes without the suffix.
        Transform Find(string joint)
        {
            Transform bone;
            return _bones.TryGetValue(joint, out bone) || _bones.TryGetValue(joint.Replace("_smplhf", ""), out bone) ? bone : null;
        }
    }
}
