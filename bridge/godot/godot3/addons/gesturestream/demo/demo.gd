extends Spatial
# A body of capsules that shows the server's session `local`: run `gesturestream demo`, then this scene.

const Client = preload("../client.gd")
const Avatar = preload("../avatar.gd")
const CapsuleBody = preload("capsule_body.gd")

export var url = "ws://127.0.0.1:8765/v1/stream"

var client = Client.new()
var avatar = Avatar.new()
var status = Label.new()


func _ready():
	client.url = url
	client.connect("session_ready", self, "_on_session_ready")
	avatar.client = client
	add_child(client)
	add_child(avatar)
	add_child(status)
	status.rect_position = Vector2(12, 10)
	_furnish()


# A key interrupts, another one waves.
func _unhandled_key_input(event):
	if event.pressed and event.scancode == KEY_SPACE:
		client.interrupt()
	elif event.pressed and event.scancode == KEY_W:
		client.cue("wave")


func _process(_delta):
	var pose = client.pose
	status.text = "waiting for %s" % url if pose == null else "%s  %.1f s" % [client.session.ready["name"], pose.media_time_s]


func _on_session_ready(ready):
	if avatar.skeleton != null:
		avatar.skeleton.queue_free()
	avatar.skeleton = CapsuleBody.skeleton_of(ready)
	add_child(avatar.skeleton)


func _furnish() -> void:
	var camera = Camera.new()
	camera.fov = 35
	camera.look_at_from_position(Vector3(0.5, 1.5, 3.3), Vector3(0, 0.93, 0), Vector3(0, 1, 0))
	add_child(camera)
	var sun = DirectionalLight.new()
	sun.rotation_degrees = Vector3(-50, 35, 0)
	sun.shadow_enabled = true
	sun.light_energy = 0.7
	add_child(sun)
	var world = WorldEnvironment.new()
	world.environment = Environment.new()
	world.environment.background_mode = Environment.BG_COLOR
	world.environment.background_color = Color(0.78, 0.82, 0.86)
	world.environment.ambient_light_color = Color(1, 1, 1)
	world.environment.ambient_light_energy = 0.45
	add_child(world)
	var plane = PlaneMesh.new()
	plane.size = Vector2(80, 80)
	plane.material = SpatialMaterial.new()
	plane.material.albedo_color = Color(0.62, 0.65, 0.67)
	var ground = MeshInstance.new()
	ground.mesh = plane
	add_child(ground)
