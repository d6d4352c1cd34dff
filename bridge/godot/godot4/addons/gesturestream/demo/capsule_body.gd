extends Skeleton3D
# A body of capsules with the server's own proportions: shows that everything works before there is a character.

const SKIN = Color(0.86, 0.66, 0.53)
const SHIRT = Color(0.25, 0.45, 0.68)
const TROUSERS = Color(0.2, 0.22, 0.3)
# Metres, by the joint a capsule begins at.
const RADII = {
	"pelvis": 0.095, "spine": 0.115, "collar": 0.065, "shoulder": 0.05, "elbow": 0.042, "wrist": 0.022, "hip": 0.075,
	"knee": 0.058, "ankle": 0.042, "neck": 0.055
}
const FINGER_RADIUS_M = 0.011
const HEAD_RADIUS_M = 0.105


# A Skeleton3D of `ready`'s joints, each with the rest axes of the world.
static func skeleton_of(ready_message: Dictionary):
	var skeleton = load("res://addons/gesturestream/demo/capsule_body.gd").new()
	skeleton.make(ready_message["skeleton"])
	return skeleton


func make(told: Dictionary) -> void:
	for joint in range(told["names"].size()):
		var parent = int(told["parents"][joint])
		var rest = _place(told, joint) - (_place(told, parent) if parent >= 0 else Vector3())
		add_bone(told["names"][joint])
		if parent >= 0:
			set_bone_parent(joint, parent)
		set_bone_rest(joint, Transform3D(Basis(), rest))
		if parent >= 0 and _is_limb(told["names"][joint], told["names"][parent]):
			_hang(told["names"][parent], rest)
	_hang_head()
	reset_bone_poses()


static func _place(told: Dictionary, joint: int) -> Vector3:
	var m = told["rest_m"]
	return Vector3(m[3 * joint], m[3 * joint + 1], m[3 * joint + 2])


static func _is_limb(joint: String, parent: String) -> bool:
	return not ("eye" in joint or joint == "jaw" or joint == "head" and parent != "neck")


# A capsule from a joint to the next one.
func _hang(joint: String, to: Vector3) -> void:
	var shape = CapsuleMesh.new()
	shape.radius = _radius(joint)
	shape.height = maxf(2.0 * shape.radius, to.length() + 1.5 * shape.radius)
	shape.radial_segments = 24
	shape.rings = 6
	_attach(joint, shape, _along(to), to * 0.5)


func _hang_head() -> void:
	var skull = SphereMesh.new()
	skull.radius = HEAD_RADIUS_M
	skull.height = 2.5 * HEAD_RADIUS_M
	_attach("head", skull, Basis(), Vector3(0, 0.09, 0.025))
	var nose = SphereMesh.new()
	nose.radius = 0.018
	nose.height = 0.036
	_attach("head", nose, Basis(), Vector3(0, 0.07, 0.135))


func _attach(joint: String, mesh: PrimitiveMesh, axes: Basis, origin: Vector3) -> void:
	var material = StandardMaterial3D.new()
	material.albedo_color = _colour(joint)
	material.roughness = 0.9
	mesh.material = material
	var shown = MeshInstance3D.new()
	shown.mesh = mesh
	shown.transform = Transform3D(axes, origin)
	var attachment = BoneAttachment3D.new()
	add_child(attachment)
	attachment.bone_name = joint
	attachment.add_child(shown)


# A basis whose y, along which capsules lie, points that way.
static func _along(to: Vector3) -> Basis:
	var y = to.normalized()
	var x = y.cross(Vector3(0, 0, 1)) if absf(y.z) < 0.9 else y.cross(Vector3(1, 0, 0))
	x = x.normalized()
	return Basis(x, y, x.cross(y))


static func _radius(joint: String) -> float:
	for part in RADII:
		if part in joint:
			return RADII[part]
	return FINGER_RADIUS_M


static func _colour(joint: String) -> Color:
	for part in ["hip", "knee", "pelvis", "ankle"]:
		if part in joint:
			return TROUSERS
	for part in ["spine", "collar", "shoulder"]:
		if part in joint:
			return SHIRT
	return SKIN
