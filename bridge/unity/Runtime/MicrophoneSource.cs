using UnityEngine;

namespace GestureStream
{
    /// <summary>Sends the microphone to the client's session, as it comes.</summary>
    [AddComponentMenu("GestureStream/Microphone Source")]
    public sealed class MicrophoneSource : MonoBehaviour
    {
        const int WantedRate = 48000, Blocks_hz = 100;

        public GestureStreamClient client;
        [Tooltip("Empty: the default device.")]
        public string device = "";

        AudioClip _recording;
        float[] _block = new float[0];
        int _read;
        string _opened;

        /// <summary>Loudest sample of the last block, 0..1.</summary>
        public float Level { get; private set; }

        void OnEnable()
        {
            if (client == null || Microphone.devices.Length == 0)
            {
                Debug.LogError(client == null ? "MicrophoneSource: set its client." : "MicrophoneSource: no microphone, or no permission to use one.", this);
                return;
            }
            _opened = device == "" ? null : device;
            int lowest, highest;
            Microphone.GetDeviceCaps(_opened, out lowest, out highest);
            // 0 and 0: any rate.
            var rate = highest == 0 ? WantedRate : Mathf.Clamp(WantedRate, lowest, highest);
            _recording = Microphone.Start(_opened, true, 1, rate);
            if (_recording == null)
            {
                Debug.LogError("MicrophoneSource: the microphone cannot be opened.", this);
                return;
            }
            _read = 0;
            _block = new float[_recording.frequency / Blocks_hz * _recording.channels];
            client.SetVoice("live", _recording.frequency);
        }

        void OnDisable()
        {
            if (_recording == null) return;
            Microphone.End(_opened);
            Destroy(_recording);
            _recording = null;
        }

        void Update()
        {
            if (_recording == null) return;
            var block = _block.Length / _recording.channels;
            var waiting = (Microphone.GetPosition(_opened) - _read + _recording.samples) % _recording.samples;
            for (; waiting >= block; waiting -= block)
            {
                _recording.GetData(_block, _read);  // wraps at the end of the clip
                _read = (_read + block) % _recording.samples;
                Channels.FirstOf(_block, _recording.channels, block);
                Level = Channels.Loudest(_block, block);
                client.SendAudio(_block, 0, block);
            }
        }
    }

    static class Channels
    {
        /// <summary>Keeps the first of interleaved channels, in place.</summary>
        public static void FirstOf(float[] interleaved, int channels, int count)
        {
            for (var i = 0; channels > 1 && i < count; ++i) interleaved[i] = interleaved[i * channels];
        }

        public static float Loudest(float[] samples, int count)
        {
            var loudest = 0f;
            for (var i = 0; i < count; ++i) loudest = Mathf.Max(loudest, Mathf.Abs(samples[i]));
            return loudest;
        }
    }
}
