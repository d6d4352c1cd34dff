extends RefCounted
# Jitter buffer and play-out clock: which pose is shown now. Frames wait in the order of their media time; the clock
# lags the earliest arrivals by what nearly all of them were late, and catches up after a stall without a jump.

const Wire = preload("wire.gd")

const PERIOD_S = 1.0 / 30.0
# The next frame must be there to interpolate towards, hence a period and a little.
const MIN_DELAY_S = PERIOD_S + 0.012
const MAX_DELAY_S = 0.4
# Arrivals that are looked back on: ten seconds of them.
const ARRIVALS = 300
# Of these the latest 5 % are not waited for.
const PATIENCE = 0.05
const CAPACITY_S = 2.0
const FADE_S = 0.15
# At up to 1.4 times the speed a 300 ms stall is made up for within a second.
const FASTEST = 1.4
const SLOWEST = 0.75
const GAIN_PER_S = 8.0
# Further off than this is not caught up with but jumped to.
const SNAP_S = 0.6
# With less than this in hand the body slows down instead of freezing.
const BRAKE_S = 0.03

# Pictures for which the next frame was not there yet.
var underruns = 0
# Frames not taken: of an old epoch, late, or twice.
var discarded = 0
var started = false
var playhead_s = 0.0
# What is shown, a Wire.Frame; null before the first.
var pose = null

var _frames = []
var _epoch = -1
var _offsets = []
var _sorted = []
var _last_s = 0.0
var _fade_from = null
var _fade_start_s = 0.0


# True where the frame opens an epoch (an interrupt): sound is to be flushed with the motion.
func push(frame, now_s: float) -> bool:
	if is_old(frame.epoch):
		discarded += 1
		return false
	var opens = _epoch >= 0 and frame.epoch != _epoch
	if opens:
		_frames.clear()
	_epoch = frame.epoch
	if not _insert(frame):
		discarded += 1
		return false
	_observe(frame.media_time_s - now_s)
	if opens:
		_fade(now_s)
		playhead_s = frame.media_time_s  # shown at once; the clock falls back to its delay by playing slowly
	return opens


# Whether a message of that epoch is of one that is over.
func is_old(epoch: int) -> bool:
	return _epoch >= 0 and Wire.is_older_epoch(epoch, _epoch)


# Another session, or the same one on a new connection: its clock is forgotten, what is on the screen fades.
func restart(now_s: float) -> void:
	_frames.clear()
	_offsets.clear()
	_sorted.clear()
	_epoch = -1
	started = false
	_fade(now_s)


# The pose to show at a local time that never goes back; null before the first frame.
func update(now_s: float):
	if _frames.size() == 0:
		return pose
	_step(now_s)
	while _frames.size() > 1 and _frames[1].media_time_s <= playhead_s:
		_frames.pop_front()
	var sampled = _sample()
	var t = (now_s - _fade_start_s) / FADE_S
	if _fade_from != null and t < 1.0:
		pose = blend(_fade_from, sampled, t * t * (3.0 - 2.0 * t))
		pose.media_time_s = sampled.media_time_s
		pose.server_time_s = sampled.server_time_s
	else:
		_fade_from = null
		pose = sampled
	return pose


# How far what is shown should lag the earliest frames.
func target_delay_s() -> float:
	var last = _sorted.size() - 1
	return _least(MAX_DELAY_S, MIN_DELAY_S + _sorted[last] - _sorted[int(PATIENCE * last)])


# How far it does.
func delay_s(now_s: float) -> float:
	return now_s + _sorted[_sorted.size() - 1] - playhead_s


func newest():
	return _frames[_frames.size() - 1] if _frames.size() else null


# Between two poses on the shorter arc; what only one of them has is left out.
static func blend(a, b, t: float):
	var out = Wire.Frame.new()
	out.epoch = b.epoch
	out.flags = b.flags
	out.sequence = b.sequence
	out.media_time_s = a.media_time_s + (b.media_time_s - a.media_time_s) * t
	out.server_time_s = a.server_time_s + (b.server_time_s - a.server_time_s) * t
	out.root_m = a.root_m + (b.root_m - a.root_m) * t
	for joint in range(Wire.JOINTS):
		out.rotations.append(between(a.rotations[joint], b.rotations[joint], t))
	out.expressions = _mixed(a.expressions, b.expressions, t)
	out.blendshapes = _mixed(a.blendshapes, b.blendshapes, t)
	out.contacts = _mixed(a.contacts, b.contacts, t)
	return out


# Spherical interpolation in double precision: the engine's own loses digits where the two are close.
static func between(a: Quaternion, b: Quaternion, t: float) -> Quaternion:
	var dot = a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w
	var sign_b = -1.0 if dot < 0.0 else 1.0
	var angle = acos(_least(1.0, abs(dot)))
	var u = 1.0 - t
	var v = t
	if angle > 0.02:
		u = sin(u * angle) / sin(angle)
		v = sin(v * angle) / sin(angle)
	v *= sign_b
	var x = u * a.x + v * b.x
	var y = u * a.y + v * b.y
	var z = u * a.z + v * b.z
	var w = u * a.w + v * b.w
	var length = sqrt(x * x + y * y + z * z + w * w)
	return Quaternion(x / length, y / length, z / length, w / length)


# The engine's own min and max round to 32 bits, with which a day of media time would be told to 8 ms.
static func _least(a: float, b: float) -> float:
	return a if a < b else b


static func _most(a: float, b: float) -> float:
	return a if a > b else b


static func _mixed(a, b, t: float):
	var out = PackedFloat32Array()
	if a.size() != b.size():
		return b
	out.resize(b.size())
	for i in range(b.size()):
		out[i] = a[i] + (b[i] - a[i]) * t
	return out


# False for a duplicate, and for what is earlier than what is on the screen.
func _insert(frame) -> bool:
	var place = _frames.size()
	while place > 0 and _frames[place - 1].media_time_s >= frame.media_time_s:
		place -= 1
	if place < _frames.size() and (place == 0 or _frames[place].media_time_s == frame.media_time_s):
		return false
	_frames.insert(place, frame)
	while newest().media_time_s - _frames[0].media_time_s > CAPACITY_S:
		_frames.pop_front()
	return true


# How early a frame came: media time minus arrival time.
func _observe(offset_s: float) -> void:
	_offsets.append(offset_s)
	_sorted.insert(_sorted.bsearch(offset_s), offset_s)
	if _offsets.size() > ARRIVALS:
		_sorted.remove_at(_sorted.bsearch(_offsets.pop_front()))


func _fade(now_s: float) -> void:
	_fade_from = pose
	_fade_start_s = now_s


func _step(now_s: float) -> void:
	var wanted = now_s + _sorted[_sorted.size() - 1] - target_delay_s()
	if not started:
		started = true
		playhead_s = _most(wanted, _frames[0].media_time_s)
	else:
		var passed = _most(0.0, now_s - _last_s)
		var gap = wanted - (playhead_s + passed)
		var in_hand = newest().media_time_s - playhead_s
		if abs(gap) > SNAP_S and in_hand > SNAP_S:
			_fade(now_s)
			playhead_s = wanted
		else:
			var rate = _most(SLOWEST, _least(FASTEST, 1.0 + GAIN_PER_S * gap))
			playhead_s += passed * _least(rate, in_hand / BRAKE_S)
	playhead_s = _least(playhead_s, newest().media_time_s)
	_last_s = now_s


func _sample():
	var a = _frames[0]
	var alone = _frames.size() < 2
	if alone and playhead_s >= a.media_time_s:
		underruns += 1
	if alone or playhead_s <= a.media_time_s or _frames[1].flags & Wire.DISCONTINUITY:
		return a
	var b = _frames[1]
	return blend(a, b, (playhead_s - a.media_time_s) / (b.media_time_s - a.media_time_s))
