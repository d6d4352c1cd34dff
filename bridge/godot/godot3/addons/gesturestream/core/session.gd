extends Reference
# One client of the protocol without I/O: received messages and time in, texts to send and news out. The transport calls
# opened, receive_text, receive_binary and closed, sends what take_texts gives, and connects when wants_connection says so.
# It survives reconnects: an own session is resumed, the pose on the screen stays.

const Json = preload("json.gd")
const Wire = preload("wire.gd")
const Player = preload("player.gd")

const ACK_EVERY_S = 0.25
const PING_EVERY_S = 1.0
# Without any message for so long the connection is lost.
const SILENT_S = 5.0
# The delay before the next attempt doubles up to 8 s.
const LAST_ATTEMPT = 4
const NEVER_AGAIN = [4400, 4401, 4403, 4409]
enum State { WAITING, CONNECTING, OPENING, READY, GAVE_UP }

# Sent as `start` or `watch`; `type` says which.
var opening = {}
var player = Player.new()
var state = State.WAITING
# The last `ready`, and how many have come.
var ready = {}
var readies = 0
# Server time minus ours, seconds, and the round trip by which that is known; null before the first pong.
var clock_offset_s = null
var round_trip_s = null
var counts = {
	"frames": 0, "voice": 0, "texts": 0, "malformed": 0, "ignored": 0, "old": 0, "missing": 0, "connections": 0
}

var _json = Json.new()
var _wire = Wire.new()
var _texts = []
var _news = []
var _clock = []
var _highest = -1
var _attempt = 0
var _retry_s = -1e18
var _retry_after_s = 0.0
var _last_message_s = 0.0
var _acknowledged_s = -1e18
var _pinged_s = -1e18
var _resumable = false


# True once when it is time to connect.
func wants_connection(now_s: float) -> bool:
	if state != State.WAITING or now_s < _retry_s:
		return false
	state = State.CONNECTING
	_last_message_s = now_s
	return true


# The WebSocket is open.
func opened(now_s: float) -> void:
	state = State.OPENING
	_highest = -1
	_last_message_s = now_s
	_retry_after_s = 0.0
	counts["connections"] += 1
	var message = opening.duplicate(true)
	message["protocol"] = 1
	if message["type"] == "start" and _resumable:
		message["resume"] = ready.get("session")
		message["resume_key"] = ready.get("resume_key")
	_texts.append(to_json(message))


# The WebSocket closed, or could not be opened (1006).
func closed(code: int, now_s: float) -> void:
	if state == State.WAITING or state == State.GAVE_UP:
		return
	# A watched session that has ended may be followed by another one of its name.
	var final = NEVER_AGAIN.has(code) or (code == 1000 and opening["type"] == "start")
	state = State.GAVE_UP if final else State.WAITING
	var delay_s = 0.5 * pow(2.0, _attempt) * (0.5 + 0.5 * randf())
	_attempt += 1 if _attempt < LAST_ATTEMPT else 0
	_retry_s = now_s + (delay_s if delay_s > _retry_after_s else _retry_after_s)
	_texts.clear()
	_news.append({"kind": "closed", "code": code, "final": final})


# Acknowledgements and pings. True when the connection is lost: drop it, and call closed(1006).
func tick(now_s: float) -> bool:
	if state == State.WAITING or state == State.GAVE_UP:
		return false
	if now_s - _last_message_s > SILENT_S:
		return true
	if state == State.READY:
		if now_s - _acknowledged_s >= ACK_EVERY_S and _highest >= 0:
			_acknowledged_s = now_s
			say('{"type":"ack","sequence":%d,"played_s":%s}' % [_highest, _played()])
		if now_s - _pinged_s >= PING_EVERY_S:
			_pinged_s = now_s
			say('{"type":"ping","t0":%.6f}' % now_s)
	return false


# Queues a text message. False when there is no session.
func say(text: String) -> bool:
	if state != State.READY:
		return false
	_texts.append(text)
	return true


# Barge-in: speech not said yet is dropped, the body retracts.
func interrupt() -> bool:
	return say('{"type":"interrupt","played_s":%s}' % _played())


func cue(name: String) -> bool:
	return say('{"type":"cue","name":%s}' % _json.quoted(name))


# What is to be sent, in order.
func take_texts() -> Array:
	var out = _texts
	_texts = []
	return out


# What has happened: dictionaries with `kind` ready, event, error, epoch, voice or closed.
func take_news() -> Array:
	var out = _news
	_news = []
	return out


func receive_text(text: String, now_s: float) -> void:
	_last_message_s = now_s
	counts["texts"] += 1
	var message = _json.parse_object(text)
	if message == null or not Json.is_text(message.get("type")):
		counts["malformed"] += 1
		return
	var type = message["type"]
	if type == "ready":
		_on_ready(message, now_s)
	elif type == "pong":
		_on_pong(message, now_s)
	elif type == "event":
		_on_event(message)
	elif type == "error":
		_on_error(message)
	elif type != "stats" and type != "sessions":
		counts["ignored"] += 1


func receive_binary(data: PoolByteArray, now_s: float) -> void:
	_last_message_s = now_s
	var frame = _wire.read_header(data)
	if frame == null:
		counts["malformed"] += 1
	elif frame.kind == Wire.POSE:
		_receive_pose(data, frame, now_s)
	elif frame.kind == Wire.AUDIO:
		_receive_voice(data, frame)
	else:
		counts["ignored"] += 1


func _played() -> String:
	return "%.4f" % player.playhead_s if player.started else "null"


# A second `ready` replaces the first; one that cannot be used leaves it.
func _on_ready(message: Dictionary, now_s: float) -> void:
	var usable = Json.is_text(message.get("session"))
	if message.get("layout") != null:
		usable = usable and _is_skeleton(message.get("skeleton"))
		usable = usable and _wire.set_layout(message["layout"], message.get("frame_bytes"))
	if not usable:
		counts["malformed"] += 1
		return
	if state == State.OPENING:
		player.restart(now_s)
	ready = message
	readies += 1
	_resumable = Json.is_text(message.get("resume_key"))
	state = State.READY
	_attempt = 0
	_pinged_s = -1e18
	_news.append({"kind": "ready", "message": message})


static func _is_skeleton(skeleton) -> bool:
	if typeof(skeleton) != TYPE_DICTIONARY:
		return false
	var sizes = {"names": Wire.JOINTS, "parents": Wire.JOINTS, "rest_m": 3 * Wire.JOINTS}
	for field in sizes:
		if typeof(skeleton.get(field)) != TYPE_ARRAY or skeleton[field].size() != sizes[field]:
			return false
	for joint in range(Wire.JOINTS):
		var parent = skeleton["parents"][joint]
		if not Json.is_number(parent) or parent >= joint or parent < -1 or not Json.is_text(skeleton["names"][joint]):
			return false
	for value in skeleton["rest_m"]:
		if not Json.is_number(value):
			return false
	return true


# Of the last few exchanges the one with the shortest round trip is right (RFC 5905, section 10).
func _on_pong(message: Dictionary, now_s: float) -> void:
	var t0 = message.get("t0")
	var t1 = message.get("t1")
	var t2 = message.get("t2")
	if not Json.is_number(t0) or not Json.is_number(t1) or not Json.is_number(t2):
		counts["malformed"] += 1
		return
	_clock.append([(now_s - t0) - (t2 - t1), ((t1 - t0) + (t2 - now_s)) / 2.0])
	if _clock.size() > 16:
		_clock.pop_front()
	var best = _clock[0]
	for sample in _clock:
		if sample[0] < best[0]:
			best = sample
	round_trip_s = best[0]
	clock_offset_s = best[1]


func _on_event(message: Dictionary) -> void:
	if Json.is_text(message.get("name")):
		_news.append({"kind": "event", "name": message["name"], "message": message})
	else:
		counts["malformed"] += 1


func _on_error(message: Dictionary) -> void:
	var fatal = typeof(message.get("fatal")) == TYPE_BOOL and message["fatal"]
	var after = message.get("retry_after_s")
	_retry_after_s = after if Json.is_number(after) else 0.0
	# A session that can no longer be resumed is opened anew.
	if fatal and _retry_after_s == 0.0:
		_resumable = false
	var told = {"kind": "error", "code": "", "message": "", "fatal": fatal}
	for field in ["code", "message"]:
		if Json.is_text(message.get(field)):
			told[field] = message[field]
	_news.append(told)


func _receive_pose(data: PoolByteArray, frame, now_s: float) -> void:
	if not _wire.read_body(data, frame):
		counts["malformed"] += 1
		return
	if _highest >= 0 and frame.sequence > _highest + 1:
		counts["missing"] += frame.sequence - _highest - 1
	_highest = frame.sequence if frame.sequence > _highest else _highest
	counts["frames"] += 1
	if player.is_old(frame.epoch):
		counts["old"] += 1
		return
	if player.push(frame, now_s):
		_news.append({"kind": "epoch", "epoch": frame.epoch})


func _receive_voice(data: PoolByteArray, frame) -> void:
	var samples = _wire.read_audio(data, frame)
	if samples == null:
		counts["malformed"] += 1
	elif player.is_old(frame.epoch):
		counts["old"] += 1
	else:
		counts["voice"] += 1
		_news.append({"kind": "voice", "samples": samples, "media_time_s": frame.media_time_s})
