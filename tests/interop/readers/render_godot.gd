# Runs in Godot under a display: draws one moment of a clip into a picture.
#
#     godot --path PROJECT --rendering-method gl_compatibility --script render_godot.gd -- FILE SECONDS OUT.png
extends SceneTree

var frames := 0


func _initialize() -> void:
	var words := OS.get_cmdline_user_args()
	DisplayServer.window_set_size(Vector2i(640, 640))
	var scene := (ResourceLoader.load("res://" + words[0]) as PackedScene).instantiate()
	root.add_child(scene)
	var floor_mesh := MeshInstance3D.new()
	var plane := PlaneMesh.new()
	plane.size = Vector2(6, 6)
	floor_mesh.mesh = plane
	root.add_child(floor_mesh)
	var light := DirectionalLight3D.new()
	light.rotation = Vector3(-0.9, 0.6, 0)
	light.shadow_enabled = true
	root.add_child(light)
	var around := WorldEnvironment.new()
	around.environment = Environment.new()
	around.environment.background_mode = Environment.BG_COLOR
	around.environment.background_color = Color(0.5, 0.6, 0.7)
	around.environment.ambient_light_source = Environment.AMBIENT_SOURCE_COLOR
	around.environment.ambient_light_color = Color(0.6, 0.6, 0.6)
	root.add_child(around)


func _process(_delta: float) -> bool:
	frames += 1
	var words := OS.get_cmdline_user_args()
	var player := root.find_children("*", "AnimationPlayer", true, false)[0] as AnimationPlayer
	if frames == 1:
		player.play(player.get_animation_list()[0])
		player.seek(float(words[1]), true)
		player.pause()
		var skeleton := root.find_children("*", "Skeleton3D", true, false)[0] as Skeleton3D
		var low := Vector3.INF
		var high := -Vector3.INF
		for bone in skeleton.get_bone_count():
			var place := skeleton.global_transform * skeleton.get_bone_global_pose(bone).origin
			low = low.min(place)
			high = high.max(place)
		var middle := (low + high) / 2
		var camera := Camera3D.new()
		root.add_child(camera)
		camera.look_at_from_position(middle + Vector3(0.9, 0.25, 1.5), middle)
		camera.make_current()
	if frames < 8:
		return false
	root.get_texture().get_image().save_png(words[2])
	return true
