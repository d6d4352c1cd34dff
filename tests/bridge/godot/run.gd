extends SceneTree
# A client on a real Skeleton: `godot3-server --path PROJECT -s run.gd PORT SECONDS [option ...]`, options own (a session
# of its own, which hears a tone), raw=FILE (or these 16-bit samples), f32, voice (asks for it), interrupt (once a second,
# or every=SECONDS), trace=FILE (benchmarks/watching.py), and until=COUNT:AT_LEAST, all of which together end it before the
# time is over. The last line says what was seen.

const Client = preload("addons/gesturestream/client.gd")
const Avatar = preload("addons/gesturestream/avatar.gd")
const CapsuleBody = preload("addons/gesturestream/demo/capsule_body.gd")

const LEFT_WRIST = 20
const RIGHT_WRIST = 21
const HEAD = 15

var client = Client.new()
var avatar = Avatar.new()
var options = []
var end_s = 0.0
var interrupt_s = 0.0
var spoken_s = 0.0
var seen = {
	"pictures": 0, "raised": 0, "epochs": 0, "ended": 0, "closed": 0, "interrupted": 0, "events": {}, "samples": 0,
	"moved_m": 0.0, "frames_before": 0
}
var every_s = 1.0
var recording = null
var trace = null
var traced_s = -1.0
var unix_s = 0.0
var wrist = null
var done = false
var until = {}


func _init():
	var arguments = OS.get_cmdline_args()
	options = Array(arguments)
	var at = options.find("run.gd")
	Engine.target_fps = 60
	client.url = "ws://127.0.0.1:%s/v1/stream" % options[at + 1]
	client.own_session = options.has("own")
	client.encoding = "f32" if options.has("f32") else "q16"
	client.forward_audio = options.has("voice")
	for option in options:
		if option.begins_with("until="):
			var wanted = option.substr(6).split(":")
			until[wanted[0]] = float(wanted[1])
		elif option.begins_with("every="):
			every_s = float(option.substr(6))
		elif option.begins_with("raw="):
			recording = File.new()
			recording.open(option.substr(4), File.READ)
		elif option.begins_with("trace="):
			trace = File.new()
			trace.open(option.substr(6), File.WRITE)
			unix_s = OS.get_system_time_msecs() / 1000.0 - client.local_time_s()
	client.connect("happened", self, "_on_event")
	client.connect("epoch_began", self, "_on_epoch")
	client.connect("session_ready", self, "_on_ready")
	client.connect("voice", self, "_on_voice")
	client.connect("closed", self, "_on_closed")
	end_s = client.local_time_s() + float(options[at + 2])
	spoken_s = client.local_time_s()
	interrupt_s = spoken_s + 1.0
	root.add_child(client)
	avatar.client = client
	root.add_child(avatar)


func _on_ready(message):
	if avatar.skeleton == null:
		avatar.skeleton = CapsuleBody.skeleton_of(message)
		root.add_child(avatar.skeleton)


func _on_event(name, _message):
	seen["events"][name] = seen["events"].get(name, 0) + 1
	seen["ended"] += 1 if name == "end" else 0
	seen["interrupted"] += 1 if name == "interrupted" else 0


func _on_epoch(_epoch):
	seen["epochs"] += 1


func _on_closed(_code, _final):
	seen["closed"] += 1
	seen["frames_before"] = client.session.counts["frames"]


func _on_voice(samples, _media_time_s):
	seen["samples"] += samples.size()


func _idle(_delta):
	var now_s = client.local_time_s()
	if done:
		return
	if options.has("own"):
		speak(now_s)
	if options.has("interrupt") and now_s > interrupt_s:
		interrupt_s = now_s + every_s
		client.interrupt()
	if avatar.skeleton != null and client.pose != null:
		look()
	if trace != null and client.pose != null:
		trace_all()
	if now_s > end_s or (until.size() > 0 and satisfied()):
		done = true
		report()
		client.free()
		avatar.free()
		quit()


func satisfied() -> bool:
	for name in client.session.counts:
		seen[name] = client.session.counts[name]
	seen["frames_since"] = seen["frames"] - seen["frames_before"]
	for name in until:
		if seen[name] < until[name]:
			return false
	return true


# The recording, or a 220 Hz tone, at the speed of a microphone.
func speak(now_s: float) -> void:
	var count = int((now_s - spoken_s) * client.audio_rate)
	spoken_s += count / float(client.audio_rate)
	if recording != null:
		if recording.get_position() + 2 * count > recording.get_len():
			recording.seek(0)
		if count > 0:
			client.send_audio(recording.get_buffer(2 * count))
		return
	var stream = StreamPeerBuffer.new()
	for i in range(count):
		stream.put_16(int(8000 * sin(2 * PI * 220 * (spoken_s + i / float(client.audio_rate)))))
	if count > 0:
		client.send_audio(stream.data_array)


func look() -> void:
	seen["pictures"] += 1
	var body = avatar.skeleton
	var left = body.get_bone_global_pose(LEFT_WRIST).origin
	if left.y > body.get_bone_global_pose(HEAD).origin.y + 0.3:
		seen["raised"] += 1
	if wrist != null:
		seen["moved_m"] += wrist.distance_to(left)
	wrist = left


# The frames that have come since the last picture, and what is shown.
func trace_all() -> void:
	var player = client.session.player
	if player.newest() != null and player.newest().media_time_s < traced_s:
		traced_s = -1.0  # another session
	for frame in player._frames:
		if frame.media_time_s > traced_s:
			traced_s = frame.media_time_s
			write(0, player._last_s, frame, 0.0, frame.sequence, frame.epoch)
	if player.started:
		write(1, player._last_s, client.pose, player.delay_s(player._last_s) - player.target_delay_s(), -1, player._epoch)


func write(kind: int, now_s: float, pose, over_s: float, sequence: int, epoch: int) -> void:
	var offset_s = client.session.clock_offset_s
	var age_s = now_s + offset_s - pose.server_time_s if offset_s != null else NAN
	for value in [float(kind), unix_s + now_s, age_s, over_s, float(sequence), float(epoch)]:
		trace.store_double(value)
	var numbers = PoolRealArray()
	for q in pose.rotations:
		numbers.append_array(PoolRealArray([q.x, q.y, q.z, q.w]))
	trace.store_buffer(var2bytes(numbers).subarray(8, -1))


func report() -> void:
	satisfied()
	seen["gave_up"] = client.session.state == client.Session.State.GAVE_UP
	seen["underruns"] = client.session.player.underruns
	seen["delay_ms"] = 1000 * client.session.player.target_delay_s() if client.session.player.started else -1
	if trace != null:
		trace.close()
	print("RESULT ", to_json(seen))
