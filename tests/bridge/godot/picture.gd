extends SceneTree
# Pictures of the add-on's own demo scene: `godot3 --path PROJECT -s picture.gd PORT FILE...`, one a second and a half.

var demo = load("res://addons/gesturestream/demo/demo.tscn").instance()
var files = []
var next_s = 0.0


func _init():
	var arguments = Array(OS.get_cmdline_args())
	var at = arguments.find("picture.gd")
	demo.url = "ws://127.0.0.1:%s/v1/stream" % arguments[at + 1]
	for i in range(at + 2, arguments.size()):
		files.append(arguments[i])
	root.add_child(demo)


func _idle(_delta):
	var now_s = demo.client.local_time_s()
	if demo.client.pose == null or now_s < next_s:
		return
	if next_s > 0.0:
		var image = root.get_texture().get_data()
		image.flip_y()
		image.save_png(files.pop_front())
	next_s = now_s + 1.5
	if files.size() == 0:
		quit()
