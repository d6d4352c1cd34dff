using System.Collections.Generic;
using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// Speaks audio clips: sends them to the client's session faster than real time (mode `agent`). What is heard comes back by
    /// VoicePlayback, in step with the body. Clips must be imported with Load Type "Decompress On Load".
    /// </summary>
    [AddComponentMenu("GestureStream/Audio Clip Source")]
    public sealed class AudioClipSource : MonoBehaviour
    {
        const int Block = 1024, MostWaiting = 64;
        const double Ahead_s = 10.0, Unsent_s = 0.5;

        public GestureStreamClient client;
        [Tooltip("Rate of the clips, Hz. All clips of one session have the same.")]
        public int sampleRate = 24000;
        [Tooltip("Spoken as soon as there is a session.")]
        public AudioClip clip;
        public bool loop;

        readonly Queue<AudioClip> _waiting = new Queue<AudioClip>();
        float[] _block = new float[0];
        AudioClip _speaking;
        string _utterance;
        int _sent, _utterances;
        double _ahead_s;

        /// <summary>Something is still to be sent.</summary>
        public bool IsSpeaking { get { return _speaking != null || _waiting.Count > 0; } }

        void OnEnable()
        {
            if (client == null)
            {
                Debug.LogError("AudioClipSource: set its client.", this);
                return;
            }
            client.SetVoice("agent", sampleRate);
            client.InterruptRequested += Stop;
            if (clip != null) Speak(clip);
        }

        void OnDisable()
        {
            if (client != null) client.InterruptRequested -= Stop;
            Stop();
        }

        /// <summary>Says a clip after those that wait. False where it cannot.</summary>
        public bool Speak(AudioClip spoken)
        {
            if (spoken.frequency != sampleRate)
            {
                Debug.LogError("AudioClipSource: " + spoken.name + " has " + spoken.frequency + " Hz, the session " + sampleRate + " Hz: set sampleRate before it is enabled, or the clip's import settings.", this);
                return false;
            }
            if (_waiting.Count >= MostWaiting) return false;
            _waiting.Enqueue(spoken);
            return true;
        }

        /// <summary>Says nothing more of what was not sent yet. To stop the body, too: client.Interrupt(), which calls this.</summary>
        public void Stop()
        {
            _waiting.Clear();
            _speaking = null;
            _ahead_s = 0.0;
        }

        void Update()
        {
            _ahead_s = System.Math.Max(0.0, _ahead_s - Time.unscaledDeltaTime);
            if (client == null || !client.IsConnected) return;
            while (_ahead_s < Ahead_s && client.UnsentAudio_s < Unsent_s && (_speaking != null || Next())) Send();
        }

        bool Next()
        {
            if (_waiting.Count == 0) return false;
            _speaking = _waiting.Dequeue();
            _sent = 0;
            _utterance = "clip" + ++_utterances;
            client.Session.Utterance(_utterance);
            return true;
        }

        void Send()
        {
            var channels = _speaking.channels;
            if (_block.Length != Block * channels) _block = new float[Block * channels];
            var count = Mathf.Min(Block, _speaking.samples - _sent);
            _speaking.GetData(_block, _sent);  // beyond the end it begins anew: only `count` are used
            Channels.FirstOf(_block, channels, count);
            client.SendAudio(_block, 0, count);
            _sent += count;
            _ahead_s += count / (double)sampleRate;
            if (_sent < _speaking.samples) return;
            client.Session.UtteranceEnd(_utterance);
            if (loop && _waiting.Count == 0) _waiting.Enqueue(_speaking);
            _speaking = null;
        }
    }
}
