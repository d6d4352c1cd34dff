using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>
    /// Moves bones whose axes are not the wire's. A bone that had the model-space rotation R in the T-pose has G * R when its
    /// joint's model-space rotation is G: whatever bones lie between, and whichever joints the body lacks.
    /// </summary>
    public sealed class Retargeter
    {
        readonly int[] _joints;
        readonly Quat[] _rest;
        readonly Quat[] _world = new Quat[Wire.Joints];
        readonly Quat[] _bones;

        /// <param name="joints">The joint that moves each bone; a bone comes after the bones above it.</param>
        /// <param name="rest">Each bone's rotation in T-pose, in the frame in which the body faces +Z.</param>
        public Retargeter(int[] joints, Quat[] rest)
        {
            _joints = joints;
            _rest = rest;
            _bones = new Quat[joints.Length];
        }

        /// <summary>Each bone's rotation in that frame, to be set from the root outwards. The array is used again.</summary>
        public Quat[] Solve(Pose pose, IList<int> parents)
        {
            Axes.WorldRotations(pose.QuatXyzw, parents, _world);
            for (var i = 0; i < _bones.Length; ++i) _bones[i] = _world[_joints[i]] * _rest[i];
            return _bones;
        }

        /// <summary>Where the hips go, for a body of another size: from their place in T-pose, as far as the legs are long.</summary>
        /// <param name="scale">Hip height of the body over that of the server's (`rest_m[1]`).</param>
        public static Vec Hips(Pose pose, Ready ready, Vec rest, double scale)
        {
            var moved = Axes.Root(pose.Root_m) - Axes.RestPosition(ready, 0);
            return new Vec(rest.X + scale * moved.X, rest.Y + scale * moved.Y, rest.Z + scale * moved.Z);
        }
    }
}
