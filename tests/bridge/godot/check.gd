extends Reference
# What the tests share: golden files, and failures that are told.

var golden = ""
var checks = 0
var failures = 0


func that(condition: bool, what: String) -> void:
	checks += 1
	if not condition:
		failures += 1
		if failures <= 20:
			print("FAILED ", what)


func text(name: String) -> String:
	return text_at(golden + "/" + name)


func text_at(path: String) -> String:
	var file = File.new()
	file.open(path, File.READ)
	var out = file.get_as_text()
	file.close()
	return out


func json(name: String):
	var result = JSON.parse(text(name))
	that(result.error == OK, name)
	return result.result


func bytes(name: String) -> PoolByteArray:
	var file = File.new()
	file.open(golden + "/" + name, File.READ)
	var out = file.get_buffer(file.get_len())
	file.close()
	return out


# As the nearest number that 32 bits hold.
static func single(value: float) -> float:
	var stream = StreamPeerBuffer.new()
	stream.put_float(value)
	stream.seek(0)
	return stream.get_float()


# Radians; exact for small angles, where acos is not.
static func angle_between(a: Quat, b: Quat) -> float:
	var dot = a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w
	var off = 0.0
	for pair in [[a.x, b.x], [a.y, b.y], [a.z, b.z], [a.w, b.w]]:
		off += pow(pair[1] - dot * pair[0], 2)
	return 2.0 * atan2(sqrt(off), abs(dot))
