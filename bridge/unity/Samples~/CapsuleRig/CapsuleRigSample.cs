using UnityEngine;

namespace GestureStream.Samples
{
    /// <summary>
    /// The whole package in one scene: opens a session, builds a body when the server tells its skeleton, speaks a clip or the
    /// microphone, and shows what goes on. Put it on an empty object and press Play; a server runs with `gesturestream serve`.
    /// </summary>
    public sealed class CapsuleRigSample : MonoBehaviour
    {
        public string url = "ws://127.0.0.1:8765/v1/stream";
        [Tooltip("Show the server's own microphone or file (gesturestream demo) instead of speaking.")]
        public bool watch;
        [Tooltip("Spoken in a loop; empty: the microphone.")]
        public AudioClip clip;
        public string cue = "wave";

        GestureStreamClient _client;
        GameObject _body;

        void Awake()
        {
            Application.runInBackground = true;  // a session does not stop because another window has the focus
            _client = gameObject.AddComponent<GestureStreamClient>();
            _client.url = url;
            _client.watch = watch;
            _client.face = FaceFormat.JointsOnly;
            _client.SessionReady += ready =>
            {
                if (_body == null) BuildBody(ready);
            };
            if (!watch) AddVoice();
            AddView();
        }

        // Components look for their client when they are enabled: the object stays off until they have been told.
        void AddVoice()
        {
            var voice = new GameObject("voice");
            voice.SetActive(false);
            if (clip == null) voice.AddComponent<MicrophoneSource>().client = _client;
            else
            {
                var source = voice.AddComponent<AudioClipSource>();
                source.client = _client;
                source.clip = clip;
                source.loop = true;
                source.sampleRate = clip.frequency;
                voice.AddComponent<AudioSource>();
                voice.AddComponent<VoicePlayback>().client = _client;
            }
            voice.SetActive(true);
        }

        void BuildBody(Ready ready)
        {
            _body = new GameObject("body");
            _body.transform.SetParent(transform, false);
            CapsuleRig.Build(ready, _body.transform);
            _body.AddComponent<SmplxAvatar>().client = _client;  // after the bones: it takes their T-pose
        }

        void AddView()
        {
            if (Camera.main != null) return;
            var camera = new GameObject("camera");
            camera.AddComponent<Camera>();
            camera.AddComponent<AudioListener>();
            camera.transform.position = transform.TransformPoint(new Vector3(0f, 1.2f, 2.8f));
            camera.transform.rotation = transform.rotation * Quaternion.Euler(5f, 180f, 0f);
            var light = new GameObject("light").AddComponent<Light>();
            light.type = LightType.Directional;
            light.transform.rotation = Quaternion.Euler(40f, 200f, 0f);
        }

        void OnGUI()
        {
            GUILayout.BeginArea(new Rect(12f, 12f, 360f, 240f));
            GUILayout.Label(_client.Status);
            if (_client.Session != null) Numbers(_client.Session);
            if (GUILayout.Button("Interrupt")) _client.Interrupt();
            if (GUILayout.Button("Cue: " + cue)) _client.Cue(cue);
            if (GUILayout.Button(_client.Session == null ? "Connect" : "Disconnect"))
            {
                if (_client.Session == null) _client.Connect();
                else _client.Disconnect();
            }
            GUILayout.EndArea();
        }

        static void Numbers(Session session)
        {
            var player = session.Player;
            GUILayout.Label("frames " + session.Counts.Frames + ", missing " + session.Counts.Missing + ", underruns " + player.Underruns);
            GUILayout.Label("waiting " + player.Buffer.Count + " frames, delay " + (1e3 * player.Delay_s(StreamClient.Now_s)).ToString("F0") + " ms");
            if (session.Clock.Known) GUILayout.Label("round trip " + (1e3 * session.Clock.RoundTrip_s).ToString("F1") + " ms");
        }
    }
}
