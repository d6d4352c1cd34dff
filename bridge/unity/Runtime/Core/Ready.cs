using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>The message `ready`: what a client has to know before its first frame.</summary>
    public sealed class Ready
    {
        public string Session = "", ResumeKey = "", Name = "avatar", Generator = "";
        public int Epoch, SkeletonRevision, FrameBytes, AudioRate = 16000;
        public double MediaTime_s, Latency_s;
        public readonly List<string> JointNames = new List<string>();
        public readonly List<int> Parents = new List<int>();    // -1 for the root; a parent comes before its children
        public readonly List<double> Rest_m = new List<double>();  // 3 per joint, T-pose, soles on y = 0
        public readonly List<string> BlendshapeNames = new List<string>();
        public readonly List<LayoutField> Layout = new List<LayoutField>();  // empty: events only
        public readonly List<string> Cues = new List<string>();

        /// <summary>Null where fields that a client needs are missing or not what they should be.</summary>
        public static Ready From(Json message)
        {
            var ready = new Ready
            {
                Session = message["session"].StringOr(""),
                ResumeKey = message["resume_key"].StringOr(""),
                Name = message["name"].StringOr("avatar"),
                Generator = message["generator"].StringOr(""),
                MediaTime_s = message["media_time_s"].NumberOr(0.0),
                Latency_s = message["latency_s"].NumberOr(0.0),
                Epoch = Index(message["epoch"], 65535, 0),
                AudioRate = Index(message["audio"]["rate"], 192000, 16000),
                FrameBytes = Index(message["frame_bytes"], 1000000, 0),
            };
            Names(message["cues"], ready.Cues);
            var usable = ready.Session != "" && Names(message["blendshapes"], ready.BlendshapeNames);
            return usable && ready.ReadSkeleton(message["skeleton"]) && ready.ReadLayout(message["layout"]) ? ready : null;
        }

        bool ReadSkeleton(Json from)
        {
            if (!Names(from["names"], JointNames)) return false;
            foreach (var parent in from["parents"].Items)
            {
                if (!parent.IsNumber || !(parent.Number >= -1 && parent.Number < Parents.Count)) return false;
                Parents.Add((int)parent.Number);
            }
            foreach (var value in from["rest_m"].Items)
            {
                if (!value.IsNumber) return false;
                Rest_m.Add(value.Number);
            }
            SkeletonRevision = Index(from["revision"], 65535, 0);
            return JointNames.Count == Wire.Joints && Parents.Count == Wire.Joints && Rest_m.Count == 3 * Wire.Joints;
        }

        bool ReadLayout(Json from)
        {
            foreach (var item in from.Items)
            {
                if (!item["name"].IsString || !item["dtype"].IsString) return false;
                if (!item["count"].IsIndex(1e6) || !item["offset"].IsIndex(1e6)) return false;
                Layout.Add(new LayoutField
                {
                    Name = item["name"].String,
                    DType = item["dtype"].String,
                    Count = (int)item["count"].Number,
                    Offset = (int)item["offset"].Number,
                });
            }
            return from.IsArray;
        }

        static bool Names(Json from, List<string> to)
        {
            foreach (var item in from.Items)
            {
                if (!item.IsString) return false;
                to.Add(item.String);
            }
            return true;
        }

        static int Index(Json from, int limit, int otherwise)
        {
            return from.IsIndex(limit) ? (int)from.Number : otherwise;
        }
    }
}
