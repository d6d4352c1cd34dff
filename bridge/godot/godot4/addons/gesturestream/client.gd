class_name GestureStreamClient
extends Node
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

@export var url = "ws://127.0.0.1:8765/v1/stream"
# Which session to show: an id or a name; `local` is the server's own microphone or file.
@export var watched = "local"
# Opens a session of its own instead, to which `send_audio` gives a voice.
@export var own_session = false
@export var avatar_name = "avatar"
@export_enum("live", "agent") var mode: String = "live"
@export_range(8000, 192000) var audio_rate: int = 16000
@export var forward_audio = false
@export var token = ""
@export_enum("q16", "f32") var encoding: String = "q16"
@export_range(0, 100) var expressions: int = 0
@export var blendshapes = true

# What to show: core/wire.gd's Frame, or null before the first.
var pose = null
var session = Session.new()

var _socket: WebSocketPeer = null
var _announced = false


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
	session.opening = opening()


func _process(_delta):
	if session.wants_connection(local_time_s()):
		_connect()
	if _socket != null:
		_poll()
	if session.tick(local_time_s()):
		_lose(1006)
	for text in session.take_texts():
		if _socket != null:
			_socket.send_text(text)
	_tell()
	pose = session.player.update(local_time_s())


func _exit_tree():
	if _socket != null:
		_socket.close()
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
	return session.say(JSON.stringify(message))


# Mono 16-bit little-endian samples at `audio_rate`. Only with `own_session`; false when there is no session.
func send_audio(samples: PackedByteArray) -> bool:
	if _socket == null or session.state != Session.State.READY or not own_session:
		return false
	return _socket.send(samples, WebSocketPeer.WRITE_MODE_BINARY) == OK


# This machine's monotonic clock, seconds; add session.clock_offset_s for the server's.
func local_time_s() -> float:
	return Time.get_ticks_usec() / 1000000.0


func _connect() -> void:
	_announced = false
	_socket = WebSocketPeer.new()
	_socket.supported_protocols = PackedStringArray(["gesturestream.v1"])
	_socket.inbound_buffer_size = 1 << 20
	_socket.outbound_buffer_size = 1 << 18
	if _socket.connect_to_url(url) != OK:
		_lose(1006)


func _poll() -> void:
	_socket.poll()
	var state = _socket.get_ready_state()
	if state == WebSocketPeer.STATE_OPEN and not _announced:
		_announced = true
		session.opened(local_time_s())
	while _socket.get_available_packet_count() > 0:
		var packet = _socket.get_packet()
		if _socket.was_string_packet():
			session.receive_text(packet.get_string_from_utf8(), local_time_s())
		else:
			session.receive_binary(packet, local_time_s())
	if state == WebSocketPeer.STATE_CLOSED:
		var code = _socket.get_close_code()
		_lose(code if code > 0 else 1006)


func _lose(code: int) -> void:
	if _socket != null:
		_socket.close()
	_socket = null
	session.closed(code, local_time_s())


func _tell() -> void:
	for news in session.take_news():
		match news["kind"]:
			"ready":
				session_ready.emit(news["message"])
			"event":
				happened.emit(news["name"], news["message"])
			"epoch":
				epoch_began.emit(news["epoch"])
			"voice":
				voice.emit(news["samples"], news["media_time_s"])
			"error":
				failed.emit(news["code"], news["message"])
			"closed":
				closed.emit(news["code"], news["final"])
