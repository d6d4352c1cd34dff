using UnityEngine;

namespace GestureStream
{
    /// <summary>From the core's numbers to the engine's. The axes are the same already (Axes.ToUnity).</summary>
    static class UnityAxes
    {
        public static Quaternion ToEngine(this Quat q)
        {
            return new Quaternion((float)q.X, (float)q.Y, (float)q.Z, (float)q.W);
        }

        public static Vector3 ToEngine(this Vec v)
        {
            return new Vector3((float)v.X, (float)v.Y, (float)v.Z);
        }

        public static Quat ToCore(this Quaternion q)
        {
            return new Quat(q.x, q.y, q.z, q.w);
        }

        public static Vec ToCore(this Vector3 v)
        {
            return new Vec(v.x, v.y, v.z);
        }
    }
}
