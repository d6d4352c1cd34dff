class_name GestureStreamAvatar
extends Node
# Shows a client's pose on a Skeleton3D and on the blend shapes of a face. The rig rests in a T-pose, palms down.

const Wire = preload("core/wire.gd")
const Bones = preload("core/bones.gd")

@export var client_path: NodePath
@export var skeleton_path: NodePath
# A MeshInstance3D with the ARKit blend shapes, in any case of letters. Without one, jaw and eyes turn by their bones.
@export var face_path: NodePath
# Bone name by joint name, for what is not found by itself.
@export var bones = {}
# VRM 0 and others whose models look towards -z.
@export var faces_back = false
# Steps are scaled by the ratio of hip heights; off: metres are metres.
@export var scale_steps = true

var client = null
var skeleton = null
var face = null

var _readies = 0
var _map = []
var _parents = []
var _ancestors = {}
var _rest = {}
var _rest_above = {}
var _rest_root_m = Vector3()
var _shapes = []


func _ready():
	if client == null and not client_path.is_empty():
		client = get_node(client_path)
	if skeleton == null and not skeleton_path.is_empty():
		skeleton = get_node(skeleton_path)
	if face == null and not face_path.is_empty():
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
	_rest_above.clear()
	for joint in _ancestors:
		_rest[joint] = _rotation(global_rest(_map[joint]))
		_rest_above[joint] = _rotation(_global_rest_above(_map[joint]))


# A pose replaces the rest here, where in Godot 3 it came on top.
func show_pose(pose) -> void:
	var world = Bones.world_rotations(pose.rotations, _parents)
	for joint in _ancestors:
		var above = _ancestors[joint]
		var turn = world[joint] if above < 0 else world[above].inverse() * world[joint]
		if joint == Bones.JAW:
			turn = Bones.jaw_alone(turn)
		if faces_back:
			turn = Quaternion(-turn.x, turn.y, -turn.z, turn.w)
		skeleton.set_bone_pose_rotation(_map[joint], _rest_above[joint].inverse() * turn * _rest[joint])
		if joint == 0:
			skeleton.set_bone_pose_position(_map[joint], _hips_position(pose.root_m))
	for shape in _shapes:
		if shape[0] < pose.blendshapes.size():
			face.set_blend_shape_value(shape[1], pose.blendshapes[shape[0]])


# A bone's rest in the skeleton's space.
func global_rest(bone: int) -> Transform3D:
	return skeleton.get_bone_global_rest(bone)


func _global_rest_above(bone: int) -> Transform3D:
	var parent = skeleton.get_bone_parent(bone)
	return global_rest(parent) if parent >= 0 else Transform3D()


static func _rotation(transform: Transform3D) -> Quaternion:
	return transform.basis.orthonormalized().get_rotation_quaternion()


func _hips_position(root_m: Vector3) -> Vector3:
	var hips = global_rest(_map[0])
	var moved = root_m - _rest_root_m
	if scale_steps:
		moved *= hips.origin.y / _rest_root_m.y
	if faces_back:
		moved = Vector3(-moved.x, moved.y, -moved.z)
	return _global_rest_above(_map[0]).affine_inverse() * (hips.origin + moved)


func _bind_face(names: Array) -> void:
	_shapes = []
	if face == null:
		return
	for i in range(face.mesh.get_blend_shape_count()):
		for k in range(names.size()):
			if str(face.mesh.get_blend_shape_name(i)).to_lower() == names[k].to_lower():
				_shapes.append([k, i])
	if _shapes.size() > 0:
		for joint in Bones.FACE_JOINTS:
			_map[joint] = -1
