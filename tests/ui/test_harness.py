"""The harness itself: the full Blender draws on a virtual display, takes a real click, and can be photographed."""

from pathlib import Path

import pytest

from tests.support.display import Display, full_blender_ui

pytestmark = pytest.mark.ui

SCRIPT = """
import bpy, sys

class Listener(bpy.types.Operator):
    bl_idname = "wm.pose_core_listener"
    bl_label = "Listener"

    def modal(self, context, event):
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            print("CLICK", event.mouse_x, context.window.height - event.mouse_y, flush=True)
            bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1)
            return {"FINISHED"}
        return {"PASS_THROUGH"}

    def invoke(self, context, event):
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

drawn = 0

def count():
    global drawn
    drawn += 1

def ready():
    if drawn < 2:
        for area in bpy.context.window_manager.windows[0].screen.areas:
            area.tag_redraw()
        return 0.1
    window = bpy.context.window_manager.windows[0]
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.pose_core_listener("INVOKE_DEFAULT")
    print("READY", window.width, window.height, flush=True)

bpy.context.preferences.view.show_splash = False
bpy.utils.register_class(Listener)
bpy.types.SpaceView3D.draw_handler_add(count, (), "WINDOW", "POST_PIXEL")
bpy.app.timers.register(ready, first_interval=0.1)
"""


def test_a_click_arrives_and_the_screen_is_not_blank(display: Display, tmp_path: Path) -> None:
    import cv2

    script = tmp_path / "listen.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with full_blender_ui(display, ["--python", script], tmp_path) as running:
        running.wait_for("READY")
        picture = cv2.imread(str(display.screenshot("harness")))
        display.click(700, 400)
        x_px, y_px = map(int, running.wait_for("CLICK").split())
        assert running.wait_for_end() == 0
    assert abs(x_px - 700) <= 1
    assert abs(y_px - 400) <= 1
    assert picture.std() > 10.0
