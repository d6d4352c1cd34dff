using System.Collections.Generic;
using UnityEngine;

namespace GestureStream
{
    /// <summary>Bones of one body, bound to joints by their T-pose; shows poses on them.</summary>
    sealed class BoundBody
    {
        const int Jaw = 22, RightEye = 24;

        readonly Transform _frame;
        readonly List<Transform> _bones = new List<Transform>();
        readonly List<int> _joints = new List<int>();
        readonly List<Quat> _rest = new List<Quat>();
        Retargeter _retargeter;
        Transform _hips;
        Vec _restHips;
        double _scale;

        /// <param name="frame">In its space the body faces +Z in T-pose, its left arm along -X.</param>
        public BoundBody(Transform frame)
        {
            _frame = frame;
        }

        public int Count { get { return _bones.Count; } }

        /// <param name="rest">The bone's rotation in T-pose, in the frame. Bones above come before bones below.</param>
        public void Add(Transform bone, int joint, Quaternion rest)
        {
            _bones.Add(bone);
            _joints.Add(joint);
            _rest.Add(rest.ToCore());
        }

        /// <param name="restPosition">Of the hips in T-pose, in the frame.</param>
        /// <param name="scale">Hip height over that of the server's body.</param>
        public void Finish(Transform hips, Vector3 restPosition, double scale)
        {
            _hips = hips;
            _restHips = restPosition.ToCore();
            _scale = scale;
            _retargeter = new Retargeter(_joints.ToArray(), _rest.ToArray());
        }

        public void Show(Pose pose, Ready ready, bool moveHips, bool faceJoints)
        {
            var turns = _retargeter.Solve(pose, ready.Parents);
            var frame = _frame.rotation;
            for (var i = 0; i < turns.Length; ++i)
            {
                var joint = _joints[i];
                if (!faceJoints && joint >= Jaw && joint <= RightEye) continue;
                _bones[i].rotation = frame * turns[i].ToEngine();
            }
            if (moveHips) _hips.position = _frame.TransformPoint(Retargeter.Hips(pose, ready, _restHips, _scale).ToEngine());
        }
    }
}
