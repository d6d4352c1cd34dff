extends Node
class_name GestureStreamClient
# Connects to a gesturestream server and always has the pose to show now. It reconnects by itself.

const Session = preload("core/session.gd")

signal session_ready(ready)
# An event of docs/protocol.md, by name, with the whole message.
signal happened(name, message)
# An interrupt: voice that is still to be played is to be dropped.
signal epoch_began(epoch)
# The session's voice, where `forward_audio` asked for it: 16-bit samples at ready["audio"]["rate"].
signal voice(samples, media_time_s)
signal failed(code, message)
signal closed(code, final)

export var url = "ws://127.0.0.1:8765/v1/stream"
# Which session to show: an id or a name; `local` is the server's own microphone or file.
export var watched = "local"
# Opens a session of its own instead, to which `send_audio` gives a voice.
export var own_session = false
export var avatar_name = "avatar"
export(String, "live", "agent") var mode = "live"
export(int, 8000, 192000) var audio_rate = 16000
export var forward_audio = false
export var token = ""
export(String, "q16", "f32") var encoding = "q16"
export(int, 0, 100) var expressions = 0
export var blendshapes = true

# What to show: core/wire.gd's Frame, or null before the first.
var pose = null
var session = Session.new()

var _socket = null
var _close_code = 1006
var _lost = false


# Replaces the settings that `start` or `watch` is made of. Call it before the node enters the tree, or not at all.
func opening() -> Dictionary:
	var frames = {"expressions": expressions, "blendshapes": blendshapes, "encoding": encoding}
	var message = {"frames": frames, "token": token if token != "" else null}
	if own_session:
		message["type"] = "start"
		message["name"] = avatar_name
		message["mode"] = mode
		message["audio"] = {"rate": audio_rate, "format": "s16le", "channels": 1}
		message["forward_audio"] = forward_audio
	else:
		message["type"] = "watch"
		message["session"] = watched
		message["audio"] = forward_audio
		message["control"] = true
	return message


func _ready():
	randomize()
	session.opening = opening()


func _process(_delta):
	var now_s = local_time_s()
	if session.wants_connection(now_s):
		_connect(now_s)
	if _socket != null:
		_socket.poll()
	if session.tick(local_time_s()):
		_lost = true
	if _lost:
		_lose()
	for text in session.take_texts():
		_send(text)
	_tell()
	pose = session.player.update(local_time_s())


func _exit_tree():
	if _socket != null:
		_socket.disconnect_from_host()
		_socket = null


# Barge-in: what was not said yet is dropped, the body retracts. False when there is no session.
func interrupt() -> bool:
	return session.interrupt()


# Plays a named gesture: one of session.ready["cues"].
func cue(cue_name: String) -> bool:
	return session.cue(cue_name)


# Changes emotion, intensity, speaker, posture, generator: {"emotion": "happiness"}.
func control(change: Dictionary) -> bool:
	var message = change.duplicate()
	message["type"] = "control"
	return session.say(to_json(message))


# Mono 16-bit little-endian samples at `audio_rate`. Only with `own_session`; false when there is no session.
func send_audio(samples: PoolByteArray) -> bool:
	if _socket == null or session.state != Session.State.READY or not own_session:
		return false
	var peer = _socket.get_peer(1)
	peer.set_write_mode(WebSocketPeer.WRITE_MODE_BINARY)
	return peer.put_packet(samples) == OK


# This machine's monotonic clock, seconds; add session.clock_offset_s for the server's.
func local_time_s() -> float:
	return OS.get_ticks_usec() / 1000000.0


func _connect(now_s: float) -> void:
	_close_code = 1006
	_lost = false
	_socket = WebSocketClient.new()
	_socket.set_buffers(1024, 1024, 256, 256)
	_socket.connect("connection_established", self, "_on_established")
	_socket.connect("connection_error", self, "_on_closed", [false])
	_socket.connect("connection_closed", self, "_on_closed")
	_socket.connect("server_close_request", self, "_on_close_request")
	_socket.connect("data_received", self, "_on_data")
	if _socket.connect_to_url(url, PoolStringArray(["gesturestream.v1"])) != OK:
		_lost = true


func _on_established(_protocol):
	session.opened(local_time_s())


func _on_close_request(code, _reason):
	_close_code = code


func _on_closed(_was_clean):
	_lost = true  # a socket must not be freed while it tells something


func _on_data():
	var peer = _socket.get_peer(1)
	while peer.get_available_packet_count() > 0:
		var packet = peer.get_packet()
		if peer.was_string_packet():
			session.receive_text(packet.get_string_from_utf8(), local_time_s())
		else:
			session.receive_binary(packet, local_time_s())


func _lose() -> void:
	_lost = false
	if _socket != null:
		_socket.disconnect_from_host()
	_socket = null
	session.closed(_close_code, local_time_s())


func _send(text: String) -> void:
	if _socket == null:
		return
	var peer = _socket.get_peer(1)
	peer.set_write_mode(WebSocketPeer.WRITE_MODE_TEXT)
	peer.put_packet(text.to_utf8())


func _tell() -> void:
	for news in session.take_news():
		match news["kind"]:
			"ready":
				emit_signal("session_ready", news["message"])
			"event":
				emit_signal("happened", news["name"], news["message"])
			"epoch":
				emit_signal("epoch_began", news["epoch"])
			"voice":
				emit_signal("voice", news["samples"], news["media_time_s"])
			"error":
				emit_signal("failed", news["code"], news["message"])
			"closed":
				emit_signal("closed", news["code"], news["final"])
