extends Reference
# The protocol's binary messages (docs/protocol.md): headers, frames in f32 and q16, audio.

const Json = preload("json.gd")

const HEADER_BYTES = 32
const JOINTS = 55
const POSE = 1
const AUDIO = 2
const DISCONTINUITY = 1
const IDLE = 2
const RETRACTING = 4
const CUE = 8
const DROPPED = 16
const ELEMENT_BYTES = {"f32": 4, "q16quat": 8, "i16x4096": 2, "u16n": 2}
const FIELDS = ["root_m", "quat_xyzw", "expressions", "blendshapes", "contacts"]


class Frame:
	var kind = 0
	var flags = 0
	var header_bytes = 0
	var sequence = 0
	var skeleton_revision = 0
	var epoch = 0
	var media_time_s = 0.0
	var server_time_s = 0.0
	# World position of the pelvis, metres.
	var root_m = Vector3()
	# Quat per joint: parent-local, the pelvis' in world.
	var rotations = []
	# 0, 10 or 100.
	var expressions = PoolRealArray()
	# 52 or none, 0..1.
	var blendshapes = PoolRealArray()
	var contacts = PoolRealArray()


var frame_bytes = 0
var _fields = []
var _stream = StreamPeerBuffer.new()


# Takes the layout of `ready`. False, and the former one stays, unless a body is in it and every field fits.
func set_layout(layout, bytes) -> bool:
	if typeof(layout) != TYPE_ARRAY or not Json.is_number(bytes):
		return false
	var fields = []
	var floats = {}
	for entry in layout:
		if typeof(entry) != TYPE_DICTIONARY:
			return false
		var name = entry.get("name")
		var dtype = entry.get("dtype")
		var count = entry.get("count")
		var offset = entry.get("offset")
		if not FIELDS.has(name) or not ELEMENT_BYTES.has(dtype):
			continue  # a later server's addition
		if not Json.is_number(count) or not Json.is_number(offset):
			return false
		if count < 0 or offset < HEADER_BYTES or offset + count * ELEMENT_BYTES[dtype] > bytes:
			return false
		fields.append({"name": name, "dtype": dtype, "count": int(count), "offset": int(offset)})
		floats[name] = int(count) * (4 if dtype == "q16quat" else 1)
	if floats.get("root_m") != 3 or floats.get("quat_xyzw") != 4 * JOINTS:
		return false
	_fields = fields
	frame_bytes = int(bytes)
	return true


# The header, as a frame without a body; null where this is no message of version 1.
func read_header(data: PoolByteArray):
	if data.size() < HEADER_BYTES or data[0] != 0x47 or data[1] != 0x53 or data[2] != 1:
		return null
	_stream.data_array = data
	_stream.seek(3)
	var frame = Frame.new()
	frame.kind = _stream.get_u8()
	frame.flags = _stream.get_u16()
	frame.header_bytes = _stream.get_u16()
	frame.sequence = _stream.get_u32()
	frame.skeleton_revision = _stream.get_u16()
	frame.epoch = _stream.get_u16()
	frame.media_time_s = _stream.get_double()
	frame.server_time_s = _stream.get_double()
	var sum = frame.media_time_s + frame.server_time_s
	if is_nan(sum) or is_inf(sum) or frame.header_bytes < HEADER_BYTES or frame.header_bytes > data.size():
		return null
	return frame


# Fills in the body of the frame whose header was read last. False where it is malformed: nothing that is not finite
# may reach a bone.
func read_body(data: PoolByteArray, frame) -> bool:
	if _fields.size() == 0 or data.size() < frame_bytes:
		return false
	for field in _fields:
		_stream.seek(field["offset"])
		if field["name"] == "quat_xyzw":
			if not _read_rotations(field["dtype"], frame):
				return false
			continue
		var values = _read_values(field["dtype"], field["count"])
		if values == null:
			return false
		if field["name"] == "root_m":
			frame.root_m = Vector3(values[0], values[1], values[2])
		else:
			frame.set(field["name"], values)
	return true


# The 16-bit samples of an audio message whose header was read last, as they were sent; null for half a sample.
func read_audio(data: PoolByteArray, frame):
	var count = data.size() - frame.header_bytes
	if count % 2 != 0:
		return null
	_stream.seek(frame.header_bytes)
	var samples = []
	for _i in range(count / 2):
		samples.append(_stream.get_16())
	return samples


# Epochs are 16 bits wide and wrap: less than half the circle behind is older.
static func is_older_epoch(epoch: int, than: int) -> bool:
	return ((epoch - than) & 0xFFFF) >= 0x8000


func _read_values(dtype: String, count: int):
	var values = PoolRealArray()
	values.resize(count)
	var sum = 0.0
	for i in range(count):
		var value = 0.0
		if dtype == "f32":
			value = _stream.get_float()
		elif dtype == "u16n":
			value = _stream.get_u16() / 65535.0
		else:
			value = _stream.get_16() / 4096.0
		sum += value
		values[i] = value
	return null if is_nan(sum) or is_inf(sum) else values


func _read_rotations(dtype: String, frame) -> bool:
	var rotations = []
	for _joint in range(JOINTS):
		var rotation = _read_smallest_three() if dtype == "q16quat" else _read_quaternion()
		if rotation == null:
			return false
		rotations.append(rotation)
	frame.rotations = rotations
	return true


func _read_quaternion():
	var x = _stream.get_float()
	var y = _stream.get_float()
	var z = _stream.get_float()
	var w = _stream.get_float()
	var square = x * x + y * y + z * z + w * w
	if is_nan(square) or is_inf(square):
		return null
	if square < 1e-6:
		return Quat(0, 0, 0, 1)  # no rotation at all
	if abs(square - 1.0) < 1e-3:
		return Quat(x, y, z, w)
	var length = sqrt(square)
	return Quat(x / length, y / length, z / length, w / length)


# The components but one as i16, then which one is left out: the largest, positive.
func _read_smallest_three():
	var small = [_stream.get_16(), _stream.get_16(), _stream.get_16()]
	var largest = _stream.get_u16()
	if largest > 3:
		return null
	var q = []
	var rest = 1.0
	for value in small:
		var component = value / (32767.0 * sqrt(2.0))
		rest -= component * component
		q.append(component)
	q.insert(largest, sqrt(rest) if rest > 0.0 else 0.0)
	var length = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
	if q[3] < 0:
		length = -length
	return Quat(q[0] / length, q[1] / length, q[2] / length, q[3] / length)
