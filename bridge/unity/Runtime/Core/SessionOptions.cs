namespace GestureStream
{
    /// <summary>Which of the wire's two descriptions of one face is asked for; a client applies only one of them.</summary>
    public enum FaceFormat
    {
        Blendshapes,  // the 52 ARKit blendshapes; jaw and eye joints are left alone
        Expressions,  // the first ten expression coefficients, with jaw and eye joints
        JointsOnly,   // jaw and eye joints, the jaw four times as wide (Pose.OpenJawAlone)
    }

    /// <summary>What a client says first: `start` (a session of its own) or `watch` (a running one).</summary>
    public sealed class SessionOptions
    {
        public bool Watch;
        public string Session = "local";   // watch: id or name
        public string Name = "avatar";     // own session: what viewers show
        public string Token = "";          // empty: none. Sent in the first message, never in an address
        public string Mode = "live";       // live, agent or offline
        public string Generator = "";      // empty: the server's default
        public string Emotion = "auto";
        public double Intensity = 1.0;     // 0..2
        public int LookaheadFrames;        // 0, 2, 4 or 8
        public int AudioRate = 16000;      // of the s16le mono that is sent, 8000..192000
        public bool Frames = true;         // false: events only
        public FaceFormat Face = FaceFormat.Blendshapes;
        public bool Quantised = true;      // q16: a third of the bytes
        public bool ForwardAudio;          // the voice comes back, to be played in step with the body

        /// <param name="former">The `ready` of the connection before, whose session is resumed where it is ours; or null.</param>
        internal void WriteOpening(JsonText to, Ready former)
        {
            to.Begin("{\"type\":").Quoted(Watch ? "watch" : "start").Raw(",\"protocol\":1");
            if (!string.IsNullOrEmpty(Token)) to.Raw(",\"token\":").Quoted(Token);
            if (Watch) to.Raw(",\"session\":").Quoted(Session).Raw(",\"control\":true,\"audio\":").Raw(ForwardAudio ? "true" : "false");
            else WriteStart(to, former);
            if (!Frames) to.Raw(",\"frames\":null}");
            else WriteFrames(to);
        }

        void WriteStart(JsonText to, Ready former)
        {
            to.Raw(",\"name\":").Quoted(Name).Raw(",\"mode\":").Quoted(Mode).Raw(",\"emotion\":").Quoted(Emotion);
            to.Raw(",\"intensity\":").Number(Intensity).Raw(",\"lookahead_frames\":").Integer(LookaheadFrames);
            to.Raw(",\"audio\":{\"rate\":").Integer(AudioRate).Raw(",\"format\":\"s16le\",\"channels\":1}");
            to.Raw(",\"forward_audio\":").Raw(ForwardAudio ? "true" : "false");
            if (!string.IsNullOrEmpty(Generator)) to.Raw(",\"generator\":").Quoted(Generator);
            if (former != null && former.ResumeKey != "") to.Raw(",\"resume\":").Quoted(former.Session).Raw(",\"resume_key\":").Quoted(former.ResumeKey);
        }

        void WriteFrames(JsonText to)
        {
            to.Raw(",\"frames\":{\"expressions\":").Integer(Face == FaceFormat.Expressions ? 10 : 0);
            to.Raw(",\"blendshapes\":").Raw(Face == FaceFormat.Blendshapes ? "true" : "false");
            to.Raw(",\"encoding\":").Quoted(Quantised ? "q16" : "f32").Raw("}}");
        }
    }
}
