// .NET Standard 2.1 is Unity's default and makes no garbage here; the other profile, .NET Framework, lacks it.
#if NET_STANDARD_2_1 || NETSTANDARD2_1
#define MEMORY
#endif

using System;
using System.Collections.Generic;
using System.Net.WebSockets;
using System.Threading;
using System.Threading.Tasks;

namespace GestureStream
{
    /// <summary>
    /// One WebSocket connection, read and written in the background: received messages are stamped on arrival and wait until they
    /// are taken. Never reconnects; a new connection is a new object.
    /// </summary>
    sealed class WebSocketLink
    {
        const int MaxMessageBytes = 1 << 22, MaxWaitingBytes = 1 << 18;

        readonly ClientWebSocket _socket = new ClientWebSocket();
        readonly CancellationTokenSource _stop = new CancellationTokenSource();
        readonly SemaphoreSlim _toSend = new SemaphoreSlim(0);
        readonly PacketQueue _incoming = new PacketQueue(MaxWaitingBytes);
        readonly PacketQueue _outgoing;
        List<Packet> _sending = new List<Packet>();
        volatile bool _open, _closed, _closing;
        volatile int _closeCode = 1006;
        volatile string _error = "";

        /// <param name="maxAudioBytes">Audio that may wait to be sent; beyond it the oldest goes.</param>
        public WebSocketLink(Uri address, int maxAudioBytes)
        {
            _outgoing = new PacketQueue(maxAudioBytes);
            Task.Run(() => Run(address));  // off the caller's synchronisation context
        }

        public bool IsOpen { get { return _open; } }
        /// <summary>Received messages may still wait.</summary>
        public bool IsClosed { get { return _closed; } }
        public int CloseCode { get { return _closeCode; } }
        /// <summary>Why it could not be opened, or broke.</summary>
        public string Error { get { return _error; } }
        public long DroppedUnread { get { return _incoming.Dropped; } }
        public long DroppedUnsent { get { return _outgoing.Dropped; } }
        public int UnsentAudioBytes { get { return _outgoing.BinaryBytes; } }

        /// <summary>A buffer for Send.</summary>
        public Packet Rent()
        {
            return _outgoing.Rent();
        }

        public void Send(Packet packet)
        {
            if (_closed || _closing || !_outgoing.Add(packet)) return;
            _toSend.Release();
        }

        public void Take(ref List<Packet> received)
        {
            _incoming.Take(ref received);
        }

        public void Return(Packet packet)
        {
            _incoming.Return(packet);
        }

        /// <summary>Sends what waits and closes; the server has a second to answer.</summary>
        public void Close()
        {
            _closing = true;
            _stop.CancelAfter(1000);
            _toSend.Release();
        }

        /// <summary>Cuts the connection.</summary>
        public void Abort()
        {
            Task.Run(() => _stop.Cancel());  // whoever waits on it goes on there, not in the caller's frame
        }

        async Task Run(Uri address)
        {
            try
            {
                _socket.Options.AddSubProtocol("gesturestream.v1");
                await _socket.ConnectAsync(address, _stop.Token).ConfigureAwait(false);
                _open = true;
                var sender = SendAll();
                await ReceiveAll().ConfigureAwait(false);
                _closing = true;
                _toSend.Release();
                await sender.ConfigureAwait(false);
            }
            catch (Exception failure)  // unreachable, refused, cut: the caller sees a closed link and tries again
            {
                _error = failure.GetBaseException().Message;
            }
            finally
            {
                _closed = true;
                _stop.Cancel();
                _socket.Dispose();
            }
        }

        async Task ReceiveAll()
        {
            var packet = _incoming.Rent();
            while (true)
            {
                if (packet.Count == packet.Data.Length) packet.Reserve(2 * packet.Data.Length);
                if (packet.Count > MaxMessageBytes) throw new WebSocketException("a message longer than 4 MiB");
#if MEMORY
                var result = await _socket.ReceiveAsync(new Memory<byte>(packet.Data, packet.Count, packet.Data.Length - packet.Count), _stop.Token).ConfigureAwait(false);
#else
                var result = await _socket.ReceiveAsync(new ArraySegment<byte>(packet.Data, packet.Count, packet.Data.Length - packet.Count), _stop.Token).ConfigureAwait(false);
#endif
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    _closeCode = _socket.CloseStatus.HasValue ? (int)_socket.CloseStatus.Value : 1005;
                    return;
                }
                packet.Count += result.Count;
                if (!result.EndOfMessage) continue;
                packet.Text = result.MessageType == WebSocketMessageType.Text;
                packet.Arrival_s = StreamClient.Now_s;
                if (!_incoming.Add(packet)) throw new WebSocketException("nobody reads what was received");
                packet = _incoming.Rent();
            }
        }

        async Task SendAll()
        {
            try
            {
                while (true)
                {
                    await _toSend.WaitAsync(_stop.Token).ConfigureAwait(false);
                    var last = _closing;
                    _outgoing.Take(ref _sending);
                    foreach (var packet in _sending)
                    {
                        var type = packet.Text ? WebSocketMessageType.Text : WebSocketMessageType.Binary;
#if MEMORY
                        await _socket.SendAsync(new ReadOnlyMemory<byte>(packet.Data, 0, packet.Count), type, true, _stop.Token).ConfigureAwait(false);
#else
                        await _socket.SendAsync(new ArraySegment<byte>(packet.Data, 0, packet.Count), type, true, _stop.Token).ConfigureAwait(false);
#endif
                        _outgoing.Return(packet);
                    }
                    _sending.Clear();
                    if (!last) continue;
                    await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", _stop.Token).ConfigureAwait(false);
                    return;
                }
            }
            catch (Exception failure)
            {
                _error = failure.GetBaseException().Message;
                _stop.Cancel();  // the receiver must not wait for a server that cannot be spoken to
            }
        }
    }
}
