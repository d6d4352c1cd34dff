extends Node
class_name GestureStreamAvatar
# Shows a client's pose on a Skeleton and on the blend shapes of a face. The rig rests in a T-pose, palms down.

const Wire = preload("core/wire.gd")
const Bones = preload("core/bones.gd")

export(NodePath) var client_path
export(NodePath) var skeleton_path
# A MeshInstance with the ARKit blend shapes, in any case of letters. Without one, jaw and eyes turn by their bones.
export(NodePath) var face_path
# Bone name by joint name, for what is not found by itself.
export var bones = {}
# VRM 0 and others whose models look towards -z.
export var faces_back = false
# Steps are scaled by the ratio of hip heights; off: metres are metres.
export var scale_steps = true

var client = null
var skeleton = null
var face = null

var _readies = 0
var _map = []
var _parents = []
var _ancestors = {}
var _rest = {}
var _rest_root_m = Vector3()
var _shapes = []


func _ready():
	if client == null and client_path:
		client = get_node(client_path)
	if skeleton == null and skeleton_path:
		skeleton = get_node(skeleton_path)
	if face == null and face_path:
		face = get_node(face_path)


func _process(_delta):
	if client == null or client.pose == null or skeleton == null:
		return
	if client.session.readies != _readies:
		_readies = client.session.readies
		bind(client.session.ready)
	show_pose(client.pose)


# Finds the bones of `ready`'s joints. Done by itself whenever `ready` comes.
func bind(ready_message: Dictionary) -> void:
	_parents = ready_message["skeleton"]["parents"]
	var rest_m = ready_message["skeleton"]["rest_m"]
	_rest_root_m = Vector3(rest_m[0], rest_m[1], rest_m[2])
	var names = []
	for bone in range(skeleton.get_bone_count()):
		names.append(skeleton.get_bone_name(bone))
	_map = Bones.find(ready_message["skeleton"]["names"], names, bones)
	if _map[0] < 0:
		push_warning("GestureStreamAvatar: no hips were found; name them: bones = {\"pelvis\": \"...\"}")
	_bind_face(ready_message.get("blendshapes", []))
	_ancestors = Bones.ancestors(_map, _parents)
	_rest.clear()
	for joint in _ancestors:
		_rest[joint] = global_rest(_map[joint]).basis.orthonormalized().get_rotation_quat()


func show_pose(pose) -> void:
	var world = Bones.world_rotations(pose.rotations, _parents)
	for joint in _ancestors:
		var above = _ancestors[joint]
		var turn = world[joint] if above < 0 else world[above].inverse() * world[joint]
		if joint == Bones.JAW:
			turn = Bones.jaw_alone(turn)
		if faces_back:
			turn = Quat(-turn.x, turn.y, -turn.z, turn.w)
		var rest = _rest[joint]
		var origin = _hips_origin(pose.root_m) if joint == 0 else Vector3()
		skeleton.set_bone_pose(_map[joint], Transform(Basis(rest.inverse() * turn * rest), origin))
	for shape in _shapes:
		if shape[0] < pose.blendshapes.size():
			face.set(shape[1], pose.blendshapes[shape[0]])


# A bone's rest in the skeleton's space.
func global_rest(bone: int) -> Transform:
	var out = skeleton.get_bone_rest(bone)
	var parent = skeleton.get_bone_parent(bone)
	while parent >= 0:
		out = skeleton.get_bone_rest(parent) * out
		parent = skeleton.get_bone_parent(parent)
	return out


func _hips_origin(root_m: Vector3) -> Vector3:
	var hips = global_rest(_map[0])
	var moved = root_m - _rest_root_m
	if scale_steps:
		moved *= hips.origin.y / _rest_root_m.y
	if faces_back:
		moved = Vector3(-moved.x, moved.y, -moved.z)
	return hips.affine_inverse().xform(hips.origin + moved)


func _bind_face(names: Array) -> void:
	_shapes = []
	if face == null:
		return
	for i in range(face.mesh.get_blend_shape_count()):
		for k in range(names.size()):
			if face.mesh.get_blend_shape_name(i).to_lower() == names[k].to_lower():
				_shapes.append([k, "blend_shapes/" + face.mesh.get_blend_shape_name(i)])
	if _shapes.size() > 0:
		for joint in Bones.FACE_JOINTS:
			_map[joint] = -1
