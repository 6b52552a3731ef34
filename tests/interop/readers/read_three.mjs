// Reads FBX, GLB and BVH files with three.js and looks at them with the glTF validator.
//
//     node read_three.mjs NODE_MODULES JOBS.json OUT.json
//
// JOBS: [{"file": ..., "times": [seconds], "mesh": true}]. OUT: for each file, clips (name, duration), nodes by the
// file's own names (rest place, scale, places at the times of the first clip), what the loader complained of, and for
// GLB what the validator found.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, jobsFile, outFile] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(modules, name)).href);

globalThis.self = globalThis;
const THREE = await load("three/build/three.module.js");
const { FBXLoader } = await load("three/examples/jsm/loaders/FBXLoader.js");
const { GLTFLoader } = await load("three/examples/jsm/loaders/GLTFLoader.js");
const { BVHLoader } = await load("three/examples/jsm/loaders/BVHLoader.js");
const validator = (await load("gltf-validator/index.js")).default;

// pictures need a browser; that one was asked for is all that is looked at here
const pictures = [];
THREE.TextureLoader.prototype.load = function (url, done) {
  pictures.push(url.startsWith("blob:") || url.startsWith("data:") ? "embedded" : url);
  const texture = new THREE.Texture();
  if (done) queueMicrotask(() => done(texture));
  return texture;
};

const said = [];
for (const level of ["warn", "error"]) {
  console[level] = (...words) => said.push(words.map(String).join(" "));
}

function open(file) {
  const bytes = fs.readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  if (file.endsWith(".fbx")) {
    const scene = new FBXLoader().parse(buffer, "./");
    return Promise.resolve({ scene, clips: scene.animations });
  }
  if (file.endsWith(".bvh")) {
    const found = new BVHLoader().parse(bytes.toString("utf8"));
    const scene = new THREE.Group();
    scene.add(found.skeleton.bones[0]);
    return Promise.resolve({ scene, clips: [found.clip] });
  }
  return new GLTFLoader()
    .parseAsync(buffer, "")
    .then((found) => ({ scene: found.scene, clips: found.animations }));
}

const ownName = (node) => node.userData.originalName ?? node.userData.name ?? node.name;

// Box around all skinned meshes: a skin that is bound wrongly shows here.
function extent(scene) {
  const box = new THREE.Box3();
  const point = new THREE.Vector3();
  scene.traverse((node) => {
    if (!node.isSkinnedMesh) return;
    node.skeleton.update();
    const count = node.geometry.attributes.position.count;
    for (let k = 0; k < count; k++) {
      node.getVertexPosition(k, point);
      box.expandByPoint(point.applyMatrix4(node.matrixWorld));
    }
  });
  return box.isEmpty() ? null : [box.min.toArray(), box.max.toArray()];
}

async function read(job) {
  said.length = 0;
  pictures.length = 0;
  const { scene, clips } = await open(job.file);
  scene.updateMatrixWorld(true);
  const place = new THREE.Vector3();
  const nodes = {};
  const order = [];
  scene.traverse((node) => {
    if (node === scene || node.isMesh) return;
    const name = ownName(node);
    order.push([name, node]);
    nodes[name] = { rest: place.setFromMatrixPosition(node.matrixWorld).toArray(), scale: node.scale.toArray(), at: [] };
  });
  const sizes = [];
  scene.traverse((node) => sizes.push(...node.scale.toArray()));
  const result = { clips: clips.map((clip) => [clip.name, clip.duration]), nodes, pictures: [...pictures] };
  result.scales = [Math.min(...sizes), Math.max(...sizes)];
  result.keys = clips.length ? Math.max(...clips[0].tracks.map((track) => track.times.length)) : 0;
  result.all_keys = clips.length ? clips[0].tracks.reduce((sum, track) => sum + track.times.length, 0) : 0;
  result.first = clips.length ? Math.min(...clips[0].tracks.map((track) => track.times[0])) : 0;
  result.flips = clips.length ? flips(clips[0]) : 0;
  if (clips.length) {
    const mixer = new THREE.AnimationMixer(scene);
    const action = mixer.clipAction(clips[0]);
    action.setLoop(THREE.LoopOnce);
    action.clampWhenFinished = true;
    action.play();
    for (const time of job.times) {
      mixer.setTime(Math.min(time, clips[0].duration));
      scene.updateMatrixWorld(true);
      for (const [name, node] of order) {
        nodes[name].at.push(place.setFromMatrixPosition(node.matrixWorld).toArray());
      }
      if (job.mesh) (result.extents ??= []).push(extent(scene));
    }
  }
  result.said = [...said];
  if (job.file.endsWith(".glb")) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(job.file)));
    result.validator = report.issues.messages.map((m) => [m.severity, m.code, m.pointer ?? ""]);
  }
  return result;
}

// Neighbouring quaternion keys on opposite sides: a program that blends them component by component spins.
function flips(clip) {
  let count = 0;
  for (const track of clip.tracks) {
    if (track.ValueTypeName !== "quaternion") continue;
    for (let k = 4; k < track.values.length; k += 4) {
      let dot = 0;
      for (let c = 0; c < 4; c++) dot += track.values[k + c] * track.values[k - 4 + c];
      if (dot < 0) count++;
    }
  }
  return count;
}

const out = {};
for (const job of JSON.parse(fs.readFileSync(jobsFile, "utf8"))) {
  try {
    out[job.file] = await read(job);
  } catch (error) {
    out[job.file] = { failed: String(error.stack ?? error) };
  }
}
fs.writeFileSync(outFile, JSON.stringify(out));
