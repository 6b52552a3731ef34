# Runs in Godot, in a project that holds the files: plays every clip in the engine and writes down where the bones are.
#
#     godot --headless --path PROJECT --script read_godot.gd -- JOBS.json OUT.json
extends SceneTree


func _process(_delta: float) -> bool:
	var words := OS.get_cmdline_user_args()
	var jobs: Array = JSON.parse_string(FileAccess.get_file_as_string(words[0]))
	var out := {}
	for job in jobs:
		out[job["file"]] = read(job)
	var file := FileAccess.open(words[1], FileAccess.WRITE)
	file.store_string(JSON.stringify(out, "", false, true))
	file.close()
	return true


func read(job: Dictionary) -> Dictionary:
	var packed := ResourceLoader.load("res://" + str(job["file"]).get_file()) as PackedScene
	if packed == null:
		return {"failed": "not imported"}
	var scene := packed.instantiate()
	root.add_child(scene)
	var skeletons := scene.find_children("*", "Skeleton3D", true, false)
	var players := scene.find_children("*", "AnimationPlayer", true, false)
	if skeletons.is_empty() or players.is_empty():
		scene.free()
		return {"failed": "no skeleton or no clip"}
	var player := players[0] as AnimationPlayer
	var sizes := []
	for node in scene.find_children("*", "Node3D", true, false):
		sizes.append_array([node.scale.x, node.scale.y, node.scale.z])
	var nodes := {}
	for skeleton: Skeleton3D in skeletons:
		for bone in skeleton.get_bone_count():
			var size := skeleton.get_bone_rest(bone).basis.get_scale()
			sizes.append_array([size.x, size.y, size.z])
			nodes[skeleton.get_bone_name(bone)] = {
				"rest": point(skeleton.global_transform * skeleton.get_bone_global_rest(bone).origin), "at": []
			}
	var clips := []
	var keys := 0
	for name in player.get_animation_list():
		var clip := player.get_animation(name)
		clips.append([name, clip.length])
		for track in clip.get_track_count():
			keys = max(keys, clip.track_get_key_count(track))
	var first: String = clips[0][0]
	for clip in clips:
		if clip[0] != "RESET":
			first = clip[0]
	player.play(first)
	for time in job["times"]:
		player.seek(time, true)
		for skeleton: Skeleton3D in skeletons:
			for bone in skeleton.get_bone_count():
				nodes[skeleton.get_bone_name(bone)]["at"].append(
					point(skeleton.global_transform * skeleton.get_bone_global_pose(bone).origin)
				)
	var length := player.get_animation(first).length
	scene.free()
	return {
		"clips": clips, "duration": length, "nodes": nodes, "said": [], "keys": keys, "skeletons": skeletons.size(),
		"scales": [sizes.min(), sizes.max()], "first": 0.0,
	}


func point(place: Vector3) -> Array:
	return [place.x, place.y, place.z]
