extends RefCounted
# Strict JSON objects: the engine's own reader takes trailing commas, control characters and a second value for granted,
# and makes two broken characters of one beyond 16 bits.

const DEEPEST = 32
const ESCAPES = {
	"\"": "\"", "\\": "\\", "/": "/", "b": "\u0008", "f": "\u000c", "n": "\n", "r": "\r", "t": "\t"
}

var _text = ""
var _at = 0
var _broken = false


# The object, or null where the text is none.
func parse_object(text: String):
	_text = text
	_at = 0
	_broken = false
	_skip_space()
	if _here() != "{":
		return null
	var out = _value(0)
	_skip_space()
	return null if _broken or _at < _text.length() else out


static func quoted(text: String) -> String:
	return JSON.stringify(text)


static func is_number(value) -> bool:
	return (typeof(value) == TYPE_FLOAT or typeof(value) == TYPE_INT) and not is_nan(value) and not is_inf(value)


static func is_text(value) -> bool:
	return typeof(value) == TYPE_STRING


func _here() -> String:
	return _text[_at] if _at < _text.length() else ""


func _skip_space() -> void:
	while _here() in [" ", "\t", "\n", "\r"]:
		_at += 1


# Whether that comes next; it is passed over.
func _take(token: String) -> bool:
	if _text.substr(_at, token.length()) != token:
		return false
	_at += token.length()
	return true


func _break():
	_broken = true
	return null


func _value(depth: int):
	_skip_space()
	if _broken or depth > DEEPEST:
		return _break()
	match _here():
		"{":
			return _object(depth)
		"[":
			return _array(depth)
		"\"":
			return _string()
		"t":
			return true if _take("true") else _break()
		"f":
			return false if _take("false") else _break()
		"n":
			return null if _take("null") else _break()
	return _number()


func _object(depth: int):
	var out = {}
	_at += 1
	_skip_space()
	if _take("}"):
		return out
	while not _broken:
		_skip_space()
		if _here() != "\"":
			return _break()
		var key = _string()
		_skip_space()
		if not _take(":"):
			return _break()
		out[key] = _value(depth + 1)
		_skip_space()
		if _take("}"):
			return out
		if not _take(","):
			return _break()


func _array(depth: int):
	var out = []
	_at += 1
	_skip_space()
	if _take("]"):
		return out
	while not _broken:
		out.append(_value(depth + 1))
		_skip_space()
		if _take("]"):
			return out
		if not _take(","):
			return _break()


func _string():
	var out = ""
	_at += 1
	while _at < _text.length():
		var c = _text[_at]
		_at += 1
		if c == "\"":
			return out
		if c == "\\":
			c = _escaped()
			if _broken:
				return null
		elif c.unicode_at(0) < 0x20:
			return _break()
		out += c
	return _break()


func _escaped() -> String:
	var c = _here()
	_at += 1
	if ESCAPES.has(c):
		return ESCAPES[c]
	if c != "u":
		_broken = true
		return ""
	var code = _four_digits()
	if code >= 0xD800 and code < 0xDC00 and _take("\\u"):
		code = 0x10000 + (code - 0xD800) * 0x400 + _four_digits() - 0xDC00
	# Half a pair is no character.
	return "?" if code >= 0xD800 and code < 0xE000 or code <= 0 or code > 0x10FFFF else char(code)


func _four_digits() -> int:
	var digits = _text.substr(_at, 4)
	_at += 4
	if digits.length() < 4 or not digits.is_valid_hex_number():
		_broken = true
		return 0
	return ("0x" + digits).hex_to_int()


func _number():
	var start = _at
	_take("-")
	if not _take("0") and _digits() == 0:
		return _break()
	if _take(".") and _digits() == 0:
		return _break()
	if _take("e") or _take("E"):
		if not _take("+"):
			_take("-")
		if _digits() == 0:
			return _break()
	# By the engine's reader: a cast would round to 32 bits.
	var number = JSON.parse_string(_text.substr(start, _at - start))
	return _break() if is_nan(number) or is_inf(number) else number


func _digits() -> int:
	var start = _at
	while _here() >= "0" and _here() <= "9" and _here() != "":
		_at += 1
	return _at - start
