extends Reference
# Which bone of a rig is which joint of the body, and how the body's rotations become a rig's.

const Wire = preload("wire.gd")

# The face is told twice, by these joints and by blend shapes: a rig with blend shapes leaves them alone.
const FACE_JOINTS = [22, 23, 24]
const JAW = 22
# On the wire the jaw turns by 5.2 degrees where jawOpen is 1, because expressions do most of it. Where its bone is all that
# opens the mouth it turns as far as jawOpen does in the project's own face.
const JAW_ALONE = 4.0
const WIDEST_JAW = PI / 6
const HUMANOID = {
	"pelvis": "Hips", "spine1": "Spine", "spine2": "Chest", "spine3": "UpperChest", "neck": "Neck", "head": "Head",
	"jaw": "Jaw", "eye_smplhf": "Eye", "collar": "Shoulder", "shoulder": "UpperArm", "elbow": "LowerArm",
	"wrist": "Hand", "hip": "UpperLeg", "knee": "LowerLeg", "ankle": "Foot", "foot": "Toes"
}
const MIXAMO = {
	"pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
	"jaw": "Jaw", "eye_smplhf": "Eye", "collar": "Shoulder", "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand",
	"hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase"
}
const PHALANGES = ["Proximal", "Intermediate", "Distal"]
const THUMB = ["Metacarpal", "Proximal", "Distal"]


# Bone index by joint, -1 where the rig has none. `own` (joint name -> bone name) comes first, then whichever naming
# fits the rig best: SMPL-X, Godot's humanoid profile (VRM's names too), Mixamo.
static func find(joints: Array, bones: Array, own: Dictionary) -> Array:
	var plain = []
	for bone in bones:
		plain.append(_plain(bone))
	var best = []
	var most = -1
	for naming in ["smplx", "humanoid", "mixamo"]:
		var found = []
		var hits = 0
		for joint in joints:
			var index = plain.find(_plain(_bone_name(joint, naming)))
			found.append(index)
			hits += 1 if index >= 0 else 0
		if hits > most:
			best = found
			most = hits
	for i in range(joints.size()):
		if own.has(joints[i]):
			best[i] = bones.find(own[joints[i]])
	return best


# World rotation of each joint from its parent-local ones.
static func world_rotations(rotations: Array, parents: Array) -> Array:
	var world = []
	for joint in range(rotations.size()):
		var parent = int(parents[joint])
		world.append(rotations[joint] if parent < 0 else world[parent] * rotations[joint])
	return world


# The turn of a jaw bone that is all a rig has of a mouth.
static func jaw_alone(turn: Quat) -> Quat:
	var axis = Vector3(turn.x, turn.y, turn.z)
	if axis.length() < 1e-9:
		return turn
	var angle = min(JAW_ALONE * 2 * atan2(axis.length(), turn.w), WIDEST_JAW)
	axis = axis.normalized() * sin(angle / 2)
	return Quat(axis.x, axis.y, axis.z, cos(angle / 2))


# By mapped joint: the nearest joint above it that has a bone too, or -1.
static func ancestors(map: Array, parents: Array) -> Dictionary:
	var out = {}
	for joint in range(map.size()):
		if map[joint] < 0:
			continue
		var above = int(parents[joint])
		while above >= 0 and map[above] < 0:
			above = int(parents[above])
		out[joint] = above
	return out


static func _plain(bone: String) -> String:
	return bone.to_lower().replace("mixamorig", "").replace(":", "").replace("_", "").replace(" ", "")


static func _bone_name(joint: String, naming: String) -> String:
	if naming == "smplx":
		return joint
	var side = ""
	var part = joint
	for prefix in ["left_", "right_"]:
		if joint.begins_with(prefix):
			side = "Left" if prefix == "left_" else "Right"
			part = joint.substr(prefix.length())
	var table = HUMANOID if naming == "humanoid" else MIXAMO
	if table.has(part):
		return side + table[part]
	var finger = part.substr(0, part.length() - 1)
	var phalanx = int(part.substr(part.length() - 1))
	if naming == "mixamo":
		return side + "Hand" + finger.capitalize() + str(phalanx)
	var name = "Little" if finger == "pinky" else finger.capitalize()
	return side + name + (THUMB if finger == "thumb" else PHALANGES)[phalanx - 1]
