using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// Plays the voice that the server sends back, in step with the body. The AudioSource places it: spatial blend, volume and
    /// mixer group work as for any sound.
    /// </summary>
    [RequireComponent(typeof(AudioSource))]
    [AddComponentMenu("GestureStream/Voice Playback")]
    public sealed class VoicePlayback : MonoBehaviour
    {
        public GestureStreamClient client;

        readonly VoiceQueue _queue = new VoiceQueue();
        AudioClip _ones;
        float[] _heard = new float[4096];
        double _latency_s;
        int _rate = 48000;

        void OnEnable()
        {
            if (client == null)
            {
                Debug.LogError("VoicePlayback: set its client.", this);
                return;
            }
            int length, buffers;
            AudioSettings.GetDSPBufferSize(out length, out buffers);
            _rate = AudioSettings.outputSampleRate;
            _latency_s = length * buffers / (double)_rate;
            client.SetForwardAudio(true, _latency_s);
            client.VoiceReceived += OnVoice;
            client.EpochChanged += _queue.Flush;
            PlayOnes();
        }

        void OnDisable()
        {
            if (client == null) return;
            client.VoiceReceived -= OnVoice;
            client.EpochChanged -= _queue.Flush;
            _queue.Stop();
            client.SetForwardAudio(false, 0.0);
            GetComponent<AudioSource>().Stop();
            Destroy(_ones);
        }

        // The engine pans a sound before filters hear it: a clip of ones becomes the gain of each channel, times the voice.
        void PlayOnes()
        {
            var ones = new float[_rate];
            for (var i = 0; i < ones.Length; ++i) ones[i] = 1f;
            var source = GetComponent<AudioSource>();
            _ones = AudioClip.Create("gesturestream voice", ones.Length, 1, _rate, false);
            _ones.SetData(ones, 0);
            source.clip = _ones;
            source.loop = true;
            source.Play();
        }

        void OnVoice(FrameHeader header, short[] samples, int count)
        {
            _queue.Push(header.MediaTime_s, samples, count, client.Ready.AudioRate);
        }

        void Update()
        {
            if (client == null || !client.IsConnected || !client.Session.Player.Started) _queue.Stop();
            else _queue.Follow(client.Session.Player.Playhead_s, StreamClient.Now_s, _latency_s);
        }

        // On the audio thread.
        void OnAudioFilterRead(float[] data, int channels)
        {
            var count = data.Length / channels;
            if (_heard.Length < count) _heard = new float[count];
            _queue.Read(_heard, count, _rate, StreamClient.Now_s);
            for (var i = 0; i < count; ++i)
            {
                for (var c = 0; c < channels; ++c) data[i * channels + c] *= _heard[i];
            }
        }
    }
}
