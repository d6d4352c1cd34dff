extends SceneTree
# The conformance kit in Godot 3: `godot3-server --path PROJECT -s kit.gd GOLDEN TEST`.

const Check = preload("check.gd")
const Wire = preload("addons/gesturestream/core/wire.gd")
const Player = preload("addons/gesturestream/core/player.gd")
const Session = preload("addons/gesturestream/core/session.gd")
const Json = preload("addons/gesturestream/core/json.gd")
const Bones = preload("addons/gesturestream/core/bones.gd")
const Avatar = preload("addons/gesturestream/avatar.gd")
const CapsuleBody = preload("addons/gesturestream/demo/capsule_body.gd")

var check = Check.new()


func _init():
	var arguments = OS.get_cmdline_args()
	check.golden = arguments[arguments.size() - 2]
	call("test_" + arguments[arguments.size() - 1])
	print("%d of %d checks failed" % [check.failures, check.checks])
	OS.exit_code = 0 if check.failures == 0 and check.checks > 0 else 1
	quit()


func wire_for(ready_name: String):
	var wire = Wire.new()
	var ready = check.json("ready/" + ready_name + ".json")
	check.that(wire.set_layout(ready["layout"], ready["frame_bytes"]), ready_name)
	return wire


func decoded(name: String, ready_name: String):
	var wire = wire_for(ready_name)
	var data = check.bytes("messages/" + name + ".bin")
	var frame = wire.read_header(data)
	check.that(frame != null and wire.read_body(data, frame), name)
	return frame


# What a client makes of it: `decode` with the frame, `refuse` or `ignore`.
func outcome(wire, data: PoolByteArray) -> Array:
	var frame = wire.read_header(data)
	if frame == null:
		return ["refuse", null, null]
	if frame.kind == Wire.AUDIO:
		var samples = wire.read_audio(data, frame)
		return ["refuse" if samples == null else "decode", frame, samples]
	if frame.kind != Wire.POSE:
		return ["ignore", null, null]
	return ["decode" if wire.read_body(data, frame) else "refuse", frame, null]


func test_messages():
	var index = check.json("index.json")
	check.that(index["messages"].size() > 50, "all messages are there")
	for entry in index["messages"]:
		var got = outcome(wire_for(entry["ready"]), check.bytes(entry["file"]))
		if entry["expect"] == "survive":
			check.that(got[0] != "decode" or is_finite_frame(got[1]), entry["name"])
			continue
		check.that(got[0] == entry["expect"], "%s: expected %s, got %s" % [entry["name"], entry["expect"], got[0]])
		if entry["expect"] == "decode" and got[0] == "decode":
			compare(entry["name"], check.json(entry["values"]), got[1], got[2])
			if entry.has("source"):
				compare_with_source(entry["name"], entry["source"], got[1], index)


func compare(name: String, expected: Dictionary, frame, samples) -> void:
	var fields = {
		"kind": frame.kind, "flags": frame.flags, "sequence": frame.sequence, "epoch": frame.epoch,
		"skeleton_revision": frame.skeleton_revision, "media_time_s": frame.media_time_s,
		"server_time_s": frame.server_time_s
	}
	for field in fields:
		check.that(abs(expected["header"][field] - fields[field]) < 1e-9, name + "." + field)
	if samples != null:
		check.that(expected["pcm_s16"].size() == samples.size(), name + ": how many samples")
		for i in range(samples.size()):
			check.that(expected["pcm_s16"][i] == samples[i], name + ": sample %d" % i)
		return
	var values = flat(frame)
	for field in expected["values"]:
		var wanted = expected["values"][field]
		check.that(values[field].size() == wanted.size(), name + ": how many " + field)
		for i in range(min(wanted.size(), values[field].size())):
			var off = abs(check.single(wanted[i]) - values[field][i])
			check.that(off <= expected["tolerance"], "%s.%s[%d]: expected %s, off by %s" % [name, field, i, wanted[i], off])


func compare_with_source(name: String, source: String, frame, index: Dictionary) -> void:
	var exact = null
	for entry in index["messages"]:
		if entry["name"] == source:
			exact = decoded(source, entry["ready"])
	for joint in range(Wire.JOINTS):
		var off = check.angle_between(frame.rotations[joint], exact.rotations[joint])
		check.that(off <= index["quantisation"]["quat_xyzw"], "%s, joint %d: off by %s rad" % [name, joint, off])
	for i in range(frame.blendshapes.size()):
		var off = abs(frame.blendshapes[i] - exact.blendshapes[i])
		check.that(off <= index["quantisation"]["blendshapes"], "%s, shape %d: off by %s" % [name, i, off])


func flat(frame) -> Dictionary:
	var quats = []
	for q in frame.rotations:
		quats += [q.x, q.y, q.z, q.w]
	var root = [frame.root_m.x, frame.root_m.y, frame.root_m.z]
	return {
		"root_m": root, "quat_xyzw": quats, "expressions": frame.expressions, "blendshapes": frame.blendshapes,
		"contacts": frame.contacts
	}


func is_finite_frame(frame) -> bool:
	for values in flat(frame).values():
		for value in values:
			if is_nan(value) or is_inf(value):
				return false
	return true


func test_texts():
	var json = Json.new()
	# A copy without escapes: those of characters beyond 16 bits the engine's own reader gets wrong.
	var texts = JSON.parse(check.text_at("res://plain_texts.json")).result["texts"]
	check.that(texts.size() > 30, "all texts are there")
	for entry in texts:
		var session = opened("f32")
		session.receive_text(entry["text"], 0.3)
		var refused = session.counts["malformed"]
		var ignored = session.counts["ignored"]
		match entry["expect"]:
			"decode":
				check.that(refused == 0 and ignored == 0, entry["name"])
				same(entry["name"], entry["message"], json.parse_object(entry["text"]))
			"ignore":
				check.that(refused == 0, entry["name"])
			"refuse":
				check.that(refused == 1, entry["name"])
		session.receive_binary(check.bytes("messages/sway_f32.bin"), 0.4)
		check.that(session.counts["frames"] == 1, entry["name"] + ": the connection goes on")
	var wave = json.parse_object('{"type":"x","a":"\\\\ud83d \\ud83d\\udc4b\\ud83d\\udc4b"}')
	check.that(wave["a"] == "\\ud83d " + char(0x1F44B) + char(0x1F44B), "characters beyond 16 bits")


func same(name: String, expected, got) -> void:
	check.that(to_json(expected) == to_json(got), "%s: expected %s, got %s" % [name, to_json(expected), to_json(got)])


# A session that has got that `ready`.
func opened(ready_name: String, type: String = "start"):
	var session = Session.new()
	session.opening = {"type": type}
	check.that(session.wants_connection(0.0), "it connects")
	session.opened(0.1)
	session.receive_text(check.text("ready/" + ready_name + ".json"), 0.2)
	check.that(session.state == Session.State.READY, ready_name)
	session.take_news()
	return session


func test_streams():
	for name in check.json("index.json")["streams"]:
		var told = check.json(name + ".json")
		var session = Session.new()
		session.opening = {"type": "watch"}
		session.wants_connection(0.0)
		session.opened(0.0)
		var stream = StreamPeerBuffer.new()
		stream.data_array = check.bytes(name + ".stream")
		for entry in told["records"]:
			play(name, session, stream, entry)
		check.that(stream.get_position() == stream.get_size(), name + ": to its end")
		var newest = session.player.newest()
		check.that(newest.epoch == told["epoch"] and newest.sequence == told["newest_sequence"], name + ": the newest")
		check.that(session.counts["malformed"] == 0, name)
		if name == "streams/skeleton_changes":
			check.that(session.readies == 2 and session.ready["skeleton"]["revision"] == 2, "a new skeleton")


func play(name: String, session, stream, entry: Dictionary) -> void:
	var arrival_s = stream.get_double()
	var opcode = stream.get_u8()
	var data = PoolByteArray(stream.get_data(stream.get_u32())[1])
	if opcode == 1:
		session.receive_text(data.get_string_from_utf8(), arrival_s)
		return
	var old = session.counts["old"]
	session.take_news()
	session.receive_binary(data, arrival_s)
	var what = "%s, %s of epoch %s" % [name, entry["sequence"], entry["epoch"]]
	check.that((session.counts["old"] > old) == entry["old"], what + ": old or not")
	var opens = false
	for news in session.take_news():
		opens = opens or news["kind"] == "epoch"
	check.that(opens == entry["opens"], what + ": opens an epoch or not")
	if entry["kind"] == 1 and not entry["old"]:
		var pose = session.player.update(arrival_s)
		check.that(pose.epoch == session.player.newest().epoch, what + ": only the newest epoch is shown")
		if entry["opens"]:
			check.that(abs(session.player.playhead_s - entry["media_time_s"]) < 1e-9, what + ": shown at once")


func test_interpolation():
	var told = check.json("interpolation.json")
	var a = decoded("sign_flip_before", "f32_body")
	var b = decoded("sign_flip_after", "f32_body")
	for entry in told["cases"]:
		var pose = Player.blend(a, b, entry["t"])
		for joint in range(Wire.JOINTS):
			var q = entry["quat_xyzw"].slice(4 * joint, 4 * joint + 3)
			var off = check.angle_between(Quat(q[0], q[1], q[2], q[3]), pose.rotations[joint])
			check.that(off < told["tolerance"], "t %s, joint %d: off by %s" % [entry["t"], joint, off])


# On real Skeletons: the capsule body, and rigs whose bones have other names, axes and sizes.
func test_axes():
	var axes = check.json("axes.json")
	var ready = check.json("ready/f32_body.json")
	for message in axes["joint_positions"]:
		var wanted = axes["joint_positions"][message]["gltf_vrm1_godot"]
		var avatar = dressed(CapsuleBody.skeleton_of(ready), ready)
		avatar.show_pose(decoded(message, "f32_body"))
		for joint in range(Wire.JOINTS):
			var at = avatar.skeleton.get_bone_global_pose(joint).origin
			var expected = Vector3(wanted[3 * joint], wanted[3 * joint + 1], wanted[3 * joint + 2])
			check.that(at.distance_to(expected) < axes["tolerance_m"], "%s, joint %d: %s, not %s" % [message, joint, at, expected])
		undress(avatar)
		for naming in ["humanoid", "mixamo"]:
			for faces_back in [false, true]:
				foreign_rig(message, ready, wanted, naming, faces_back)


func dressed(skeleton, ready: Dictionary, faces_back: bool = false):
	var avatar = Avatar.new()
	avatar.skeleton = skeleton
	avatar.faces_back = faces_back
	avatar.bind(ready)
	return avatar


func undress(avatar) -> void:
	avatar.skeleton.free()
	avatar.free()


# 1.5 times the size, each bone with axes of its own: it shows the same pose, larger.
func foreign_rig(message: String, ready: Dictionary, wanted: Array, naming: String, faces_back: bool) -> void:
	var body = CapsuleBody.skeleton_of(ready)
	var rig = Skeleton.new()
	var axes = []
	var turn = Basis(Vector3(0, 1, 0), PI) if faces_back else Basis()
	for joint in range(Wire.JOINTS):
		rig.add_bone(Bones._bone_name(body.get_bone_name(joint), naming))
		axes.append(Basis(Vector3(sin(joint), cos(joint), 0.3).normalized(), 0.7 * joint))
		var offset = turn.xform(body.get_bone_rest(joint).origin * 1.5)
		var parent = body.get_bone_parent(joint)
		var above = axes[parent] if parent >= 0 else Basis()
		rig.set_bone_parent(joint, parent)
		rig.set_bone_rest(joint, Transform(above.inverse() * axes[joint], above.inverse().xform(offset)))
	var avatar = dressed(rig, ready, faces_back)
	avatar.show_pose(decoded(message, "f32_body"))
	for joint in range(Wire.JOINTS):
		var at = turn.xform_inv(rig.get_bone_global_pose(joint).origin) / 1.5
		var expected = Vector3(wanted[3 * joint], wanted[3 * joint + 1], wanted[3 * joint + 2])
		check.that(at.distance_to(expected) < 1e-4, "%s, %s, joint %d: %s, not %s" % [message, naming, joint, at, expected])
	body.free()
	undress(avatar)
	var open = Quat(Vector3(1, 0, 0), deg2rad(5.0))
	check.that(Bones.jaw_alone(open).is_equal_approx(Quat(Vector3(1, 0, 0), deg2rad(20.0))), "a jaw alone opens the mouth")
	check.that(Bones.jaw_alone(Quat(Vector3(1, 0, 0), 0.5)).w > cos(0.27) and Bones.jaw_alone(Quat()) == Quat(), "not off its hinge")
	check.that(Bones.find(ready["skeleton"]["names"], ["a", "bassin"], {"pelvis": "bassin"})[0] == 1, "bones by hand")


# 60 pictures a second of what arrives through the bad network of delays.json.
func test_delays():
	var told = check.json("delays.json")
	var player = Player.new()
	var joint = 16
	var arrivals = told["arrival_s"]
	var next = 0
	var pictures = 0
	var frozen = 0
	var worst = 0.0
	var over = 0.0
	var longest = 0.0
	var before = null
	for picture in range(3600):
		var now = picture / 60.0
		while next < arrivals.size() and arrivals[next] <= now:
			player.push(swinging(next / 30.0, told["motion"]), arrivals[next])
			next += 1
		var playhead = player.playhead_s
		var pose = player.update(now)
		if pose == null:
			continue
		if now > 1.0:
			var turned = check.angle_between(before.rotations[joint], pose.rotations[joint])
			worst = max(worst, turned * 60.0 / told["max_speed_rad_s"])
			# Crawling counts as standing still.
			frozen += 1 if turned < 1e-5 or player.playhead_s - playhead < 0.1 / 60.0 else 0
			pictures += 1
		before = pose
		longest = max(longest, player.delay_s(now))
		for stall in told["stalls_s"]:
			var since = now - stall[1] - told["limits"]["recovery_s"]
			if since >= 0.0 and since < 1 / 60.0:
				over = max(over, player.delay_s(now) - player.target_delay_s())
	print({"speed_ratio": worst, "frozen_share": float(frozen) / pictures, "delay_s": player.target_delay_s(),
		"longest_delay_s": longest, "over_after_1s_s": over, "discarded": player.discarded})
	check.that(worst <= told["limits"]["speed_ratio"] and worst > 0.9, "angular speed %s times the source's" % worst)
	check.that(frozen <= told["limits"]["frozen_share"] * pictures, "%d of %d pictures frozen" % [frozen, pictures])
	check.that(over < 0.02, "a second after a stall the delay is %s s over its target" % over)
	check.that(player.target_delay_s() < 0.12 and longest > 0.2, "delays: %s, %s" % [player.target_delay_s(), longest])
	check.that(player.discarded == 0, "nothing is thrown away")


func swinging(media_s: float, motion: Dictionary):
	var frame = Wire.Frame.new()
	frame.media_time_s = media_s
	frame.sequence = int(round(30 * media_s))
	for _joint in range(Wire.JOINTS):
		frame.rotations.append(Quat(0, 0, 0, 1))
	var angle = motion["amplitude_rad"] * sin(2 * PI * motion["frequency_hz"] * media_s)
	frame.rotations[16] = Quat(Vector3(0, 0, 1), angle)
	return frame


# Cut, shuffled and random bytes: nothing but a frame or a refusal, and nothing that is not finite is shown.
func test_fuzz():
	seed(7)
	var decoded_some = 0
	for ready_name in ["f32", "q16"]:
		var wire = wire_for(ready_name)
		var good = check.bytes("messages/sway_%s.bin" % ready_name)
		for _round in range(400):
			var data = good
			for _change in range(1 + randi() % 4):
				data[randi() % data.size()] = randi() % 256
			if randi() % 4 == 0:
				data.resize(randi() % data.size())
			var got = outcome(wire, data)
			if got[0] == "decode" and got[2] == null:
				decoded_some += 1
				check.that(is_finite_frame(got[1]), "finite")
				check.that(is_finite_frame(Player.blend(got[1], decoded_frame(wire, good), 0.5)), "finite between frames")
	check.that(decoded_some > 100, "some are still frames")


# Texts with values of other types, and texts with other characters: no script error, and the connection goes on.
func test_fuzz_texts():
	seed(11)
	var session = opened("q16")
	for entry in check.json("texts.json")["texts"]:
		var text = entry["text"]
		for _round in range(12):
			var at = randi() % (text.length() + 1)
			text = text.substr(0, at) + char(32 + randi() % 95) + text.substr(at + 1)
			session.receive_text(text, 0.3)
	var ready = JSON.parse(check.text("ready/q16.json")).result
	for field in ["session", "resume_key", "skeleton", "layout", "frame_bytes", "epoch", "audio", "blendshapes"]:
		for value in [null, -1e300, "x", [[]], {}, [1, "a", null]]:
			var other = ready.duplicate(true)
			other[field] = value
			session.receive_text(to_json(other), 0.3)
			session.receive_binary(check.bytes("messages/sway_q16.bin"), 0.4)
			check.that(session.state == Session.State.READY, "%s = %s" % [field, value])
	for message in [{"type": "error"}, {"type": "event", "name": "end"}, {"type": "pong", "t0": 1, "t1": 1, "t2": 1}]:
		for field in ["fatal", "retry_after_s", "code", "message", "name", "t1", "media_time_s"]:
			for value in [null, true, 7, -1e300, "x", [], {}]:
				var other = message.duplicate()
				other[field] = value
				session.receive_text(to_json(other), 0.5)
	session.receive_text(check.text("ready/q16.json"), 0.6)
	var frames = session.counts["frames"]
	session.receive_binary(check.bytes("messages/sway_q16.bin"), 0.7)
	check.that(session.counts["frames"] == frames + 1 and session.counts["malformed"] > 100, "it goes on")
	session.closed(1006, 0.8)
	check.that(session.state == Session.State.WAITING, "and comes back")


func decoded_frame(wire, data: PoolByteArray):
	var frame = wire.read_header(data)
	wire.read_body(data, frame)
	return frame


func test_reconnect():
	var session = opened("q16")
	check.that(not session.take_texts()[0].find("resume") >= 0, "nothing to resume yet")
	check.that(not session.tick(0.3) and session.take_texts()[0].find("ping") >= 0, "it pings")
	session.receive_binary(check.bytes("messages/sway_q16.bin"), 0.4)
	check.that(session.player.update(0.45) != null, "a pose")
	check.that(not session.tick(0.5) and session.take_texts()[0].find('"sequence":41') >= 0, "it acknowledges")
	check.that(session.interrupt() and session.cue("wa\"ve"), "interrupt and cue")
	check.that(session.take_texts()[1] == '{"type":"cue","name":"wa\\"ve"}', "names are quoted")
	session.closed(1001, 1.0)
	check.that(not session.cue("wave"), "nobody there")
	check.that(not session.wants_connection(1.2) and session.wants_connection(1.6), "back within half a second")
	session.opened(1.7)
	var opening = JSON.parse(session.take_texts()[0]).result
	check.that(opening["resume"] == "c0nf0rmance-session" and opening["resume_key"].length() > 5, "it resumes")
	session.receive_text(check.text("ready/q16.json"), 1.8)
	check.that(not session.tick(6.7) and session.tick(6.9), "5 s without a message is a lost connection")
	session.closed(1006, 6.9)
	check.that(session.wants_connection(8.0), "again")
	session.opened(8.0)
	session.receive_text('{"type":"error","code":"server_full","fatal":true,"retry_after_s":3.0}', 8.1)
	session.closed(4429, 8.1)
	check.that(not session.wants_connection(11.0) and session.wants_connection(11.2), "not before the server said")
	session.opened(11.2)
	session.closed(4401, 11.3)
	check.that(session.state == Session.State.GAVE_UP and not session.wants_connection(1e6), "a wrong token is final")
	var watcher = opened("q16", "watch")
	watcher.closed(1000, 1.0)
	check.that(watcher.wants_connection(2.0), "a session that has ended may be followed by another of its name")
	watcher = opened("q16")
	for exchange in [[10.0, 500.4, 500.5, 11.0], [20.0, 510.1, 510.1, 20.2]]:
		watcher.receive_text('{"type":"pong","t0":%f,"t1":%f,"t2":%f}' % exchange.slice(0, 2), exchange[3])
	check.that(abs(watcher.clock_offset_s - 490.0) < 1e-9, "the shortest round trip sets the clock: %s" % watcher.clock_offset_s)
