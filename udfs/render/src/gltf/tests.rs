//! Files made here, right ones and wrong ones.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};
use spatialmill_geometry::Vector3;

use super::*;
use crate::mesh::{Part, Shading};
use crate::texture::{Magnified, Wrap};

/// A file under way: its JSON and its bytes.
struct File {
    json: Value,
    bytes: Vec<u8>,
}

const FLOAT: u32 = 5126;

impl File {
    /// With a node for a mesh of one primitive, which has nothing yet.
    fn new() -> Self {
        let json = json!({
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [{"attributes": {}}]}], "accessors": [], "bufferViews": [], "buffers": [{}],
        });
        Self { json, bytes: Vec::new() }
    }

    /// A triangle with corners at the origin, (2, 0, 0) and (0, 1, 0).
    fn triangle() -> Self {
        let mut file = Self::new();
        let positions = [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        file.attribute("POSITION", FLOAT, "VEC3", 3, &floats(&positions));
        file
    }

    fn primitive(&mut self) -> &mut Value {
        &mut self.json["meshes"][0]["primitives"][0]
    }

    /// A buffer view of these bytes.
    fn view(&mut self, bytes: &[u8]) -> usize {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
        let view = json!({"buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len()});
        self.bytes.extend_from_slice(bytes);
        add(&mut self.json["bufferViews"], view)
    }

    fn accessor(&mut self, kind: u32, shape: &str, count: usize, bytes: &[u8]) -> usize {
        let view = self.view(bytes);
        let accessor = json!({"bufferView": view, "componentType": kind, "type": shape, "count": count});
        add(&mut self.json["accessors"], accessor)
    }

    fn attribute(&mut self, name: &str, kind: u32, shape: &str, count: usize, bytes: &[u8]) -> usize {
        let accessor = self.accessor(kind, shape, count, bytes);
        self.primitive()["attributes"][name] = json!(accessor);
        accessor
    }

    fn indices(&mut self, kind: u32, count: usize, bytes: &[u8]) {
        let accessor = self.accessor(kind, "SCALAR", count, bytes);
        self.primitive()["indices"] = json!(accessor);
    }

    /// A texture of an image file's bytes, and places in it for the three corners; what is said of the texture beside its index is in `info`.
    fn texture(&mut self, image: &[u8], mut info: Value) {
        let view = self.view(image);
        self.json["images"] = json!([{"bufferView": view, "mimeType": "image/png"}]);
        self.json["textures"] = json!([{"source": 0}]);
        info["index"] = json!(0);
        self.json["materials"] = json!([{"pbrMetallicRoughness": {"baseColorTexture": info}}]);
        self.primitive()["material"] = json!(0);
        self.attribute("TEXCOORD_0", FLOAT, "VEC2", 3, &floats(&[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]));
    }

    fn glb(&self) -> Vec<u8> {
        let mut json = self.json.clone();
        json["buffers"][0]["byteLength"] = json!(self.bytes.len());
        let mut text = serde_json::to_vec(&json).unwrap();
        text.resize(text.len().next_multiple_of(4), b' ');
        let mut binary = self.bytes.clone();
        binary.resize(binary.len().next_multiple_of(4), 0);
        let word = |number: usize| (number as u32).to_le_bytes();
        let mut glb = [&b"glTF"[..], &word(2), &word(28 + text.len() + binary.len())].concat();
        for (kind, chunk) in [(b"JSON", text), (b"BIN\0", binary)] {
            glb.extend(word(chunk.len()));
            glb.extend(kind);
            glb.extend(chunk);
        }
        glb
    }

    fn gltf(&self) -> Vec<u8> {
        let mut json = self.json.clone();
        let uri = format!("data:application/gltf-buffer;base64,{}", STANDARD.encode(&self.bytes));
        json["buffers"][0] = json!({"byteLength": self.bytes.len(), "uri": uri});
        serde_json::to_vec_pretty(&json).unwrap()
    }

    fn read(&self) -> Result<Mesh, GltfError> {
        read_gltf(&self.glb(), &Limits::default())
    }

    fn part(&self) -> Part {
        self.read().unwrap().parts.remove(0)
    }

    fn error(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

fn add(list: &mut Value, one: Value) -> usize {
    let list = list.as_array_mut().unwrap();
    list.push(one);
    list.len() - 1
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn png(width: u32, texels: &[[u8; 4]]) -> Vec<u8> {
    let image = image::RgbaImage::from_raw(width, texels.len() as u32 / width, texels.concat()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A file in which everything is that is read: for cutting short and for mutating.
fn everything() -> File {
    let mut file = File::triangle();
    file.texture(
        &png(2, &[[255, 0, 0, 255], [0, 255, 0, 128]]),
        json!({"texCoord": 0, "extensions": {"KHR_texture_transform": {"rotation": 1.0, "scale": [2.0, 2.0]}}}),
    );
    file.json["materials"][0]["alphaMode"] = json!("MASK");
    file.json["samplers"] = json!([{"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}]);
    file.json["textures"][0]["sampler"] = json!(0);
    file.json["nodes"] = json!([{"children": [1], "rotation": [0.0, 0.0, 0.6, 0.8]}, {"mesh": 0, "scale": [1.0, 2.0, 3.0], "translation": [1.0, 0.0, 0.0]}]);
    file.attribute("NORMAL", 5120, "VEC3", 3, &[0, 0, 127, 0, 0, 127, 0, 0, 127]);
    file.attribute("COLOR_0", 5121, "VEC4", 3, &[255; 12]);
    file.indices(5123, 3, &[0, 0, 1, 0, 2, 0]);
    let (places, values) = (file.view(&[2]), file.view(&floats(&[0.0, 3.0, 0.0])));
    file.json["accessors"][0]["sparse"] = json!({
        "count": 1, "indices": {"bufferView": places, "componentType": 5121}, "values": {"bufferView": values},
    });
    for name in ["NORMAL", "COLOR_0"] {
        let accessor = file.primitive()["attributes"][name].as_u64().unwrap() as usize;
        file.json["accessors"][accessor]["normalized"] = json!(true);
    }
    file
}

#[test]
fn both_forms_of_a_file_are_one() {
    let file = everything();
    let [glb, gltf] = [file.glb(), file.gltf()].map(|bytes| read_gltf(&bytes, &Limits::default()).unwrap());
    assert_eq!(glb, gltf);
    assert_eq!(glb.triangle_count(), 1);
}

#[test]
fn a_triangle_is_where_its_nodes_put_it() {
    let mut file = File::triangle();
    // Twice as large, then a quarter turn about z, then 10 along x; all of it below a node that mirrors y.
    let half = 0.5_f32.sqrt();
    file.json["nodes"] = json!([
        {"children": [1], "matrix": [1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]},
        {"mesh": 0, "scale": [2, 2, 2], "rotation": [0, 0, half, half], "translation": [10, 0, 0]},
    ]);
    file.attribute("NORMAL", FLOAT, "VEC3", 3, &floats(&[1.0, 0.0, 0.0].repeat(3)));
    let part = file.part();
    for (position, exact) in part.positions.iter().zip([[10.0, 0.0, 0.0], [10.0, -4.0, 0.0], [8.0, 0.0, 0.0]]) {
        assert!(position.iter().zip(exact).all(|(axis, exact)| (axis - exact as f32).abs() < 1e-5), "{position:?}");
    }
    // Mirroring turns the cofactors round; which side of a triangle a normal is on does not matter.
    let normal = part.normals[0].map(f32::abs);
    assert!((normal[1] - 1.0).abs() < 1e-6 && normal[0] < 1e-6 && normal[2] == 0.0);
}

#[test]
fn what_no_scene_shows_is_not_there() {
    let mut file = File::triangle();
    file.json["nodes"] =
        json!([{"mesh": 0}, {"mesh": 0, "translation": [5, 0, 0]}, {"camera": 0, "translation": [99, 0, 0]}]);
    file.json["cameras"] = json!([{"type": "perspective", "perspective": {"yfov": 1.0, "znear": 0.1}}]);
    assert_eq!(file.read().unwrap().triangle_count(), 1);
    file.json["scenes"] = json!([{"nodes": [0, 1, 2]}]);
    assert_eq!(file.read().unwrap().bounds().high, Vector3::new(7.0, 1.0, 0.0));
    file.json.as_object_mut().unwrap().retain(|key, _| !key.starts_with("scene"));
    assert_eq!(file.read().unwrap().triangle_count(), 2);
}

#[test]
fn indices_are_of_any_width_and_strips_and_fans_are_triangles() {
    let square = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
    for (kind, bytes) in [
        (5121, vec![0, 1, 2, 3]),
        (5123, vec![0, 0, 1, 0, 2, 0, 3, 0]),
        (5125, [0_u32, 1, 2, 3].map(u32::to_le_bytes).concat()),
    ] {
        for (mode, triangles) in
            [(4, vec![[0, 1, 2]]), (5, vec![[0, 1, 2], [2, 1, 3]]), (6, vec![[0, 1, 2], [0, 2, 3]])]
        {
            let mut file = File::new();
            file.attribute("POSITION", FLOAT, "VEC3", 4, &floats(&square));
            file.primitive()["mode"] = json!(mode);
            assert_eq!(file.part().triangles, triangles, "without indices, mode {mode}");
            file.indices(kind, 4, &bytes);
            assert_eq!(file.part().triangles, triangles, "indices {kind}, mode {mode}");
        }
    }
}

#[test]
fn lines_and_points_are_left_out() {
    for mode in [0, 1, 2, 3] {
        let mut file = File::triangle();
        file.primitive()["mode"] = json!(mode);
        assert!(matches!(file.read(), Err(GltfError::Mesh(MeshError::Empty))), "{mode}");
    }
}

#[test]
fn numbers_of_every_kind_are_read() {
    let whole = [0, 0, 0, 2, 0, 0, 0, 1, 0_i16];
    let bytes =
        |size: usize| whole.iter().flat_map(|number| number.to_le_bytes()[..size].to_vec()).collect::<Vec<u8>>();
    for (kind, size, one) in [(5120, 1, 127.0), (5121, 1, 255.0), (5122, 2, 32767.0), (5123, 2, 65535.0)] {
        let mut file = File::new();
        let accessor = file.attribute("POSITION", kind, "VEC3", 3, &bytes(size));
        file.json["extensionsRequired"] = json!(["KHR_mesh_quantization"]);
        assert_eq!(file.part().positions[1], [2.0, 0.0, 0.0], "{kind}");
        file.json["accessors"][accessor]["normalized"] = json!(true);
        assert_eq!(file.part().positions[1], [2.0 / one, 0.0, 0.0], "{kind}");
    }
    let mut file = File::triangle();
    let colours = file.attribute("COLOR_0", 5123, "VEC3", 3, &[255, 255, 0, 0, 0, 0].repeat(3));
    file.json["accessors"][colours]["normalized"] = json!(true);
    assert_eq!(file.part().colours, [[1.0, 0.0, 0.0, 1.0]; 3]);
}

#[test]
fn a_stride_jumps_over_what_lies_between() {
    let mut file = File::new();
    let mixed: Vec<u8> =
        [[0.0, 0.0, 0.0, 9.0], [2.0, 0.0, 0.0, 9.0], [0.0, 1.0, 0.0, 9.0]].map(|row| floats(&row)).concat();
    // Without the last 9, which nobody reads.
    file.attribute("POSITION", FLOAT, "VEC3", 3, &mixed[..44]);
    file.json["bufferViews"][0]["byteStride"] = json!(16);
    assert_eq!(file.part().positions, File::triangle().part().positions);
    file.json["bufferViews"][0]["byteStride"] = json!(8);
    assert_eq!(file.error(), "accessor 0: its vectors overlap");
    file.json["bufferViews"][0]["byteStride"] = json!(20);
    assert_eq!(file.error(), "accessor 0: it reaches beyond its buffer view");
}

#[test]
fn sparse_numbers_replace_others() {
    let file = everything();
    let mut plain = File::triangle();
    plain.json["nodes"] = file.json["nodes"].clone();
    let (sparse, plain) = (file.part(), plain.part());
    assert_eq!(sparse.positions[..2], plain.positions[..2]);
    assert_ne!(sparse.positions[2], plain.positions[2]);

    // Of numbers that are all 0 where nothing is said.
    let mut file = File::new();
    let (places, values) = (file.view(&[1, 2]), file.view(&floats(&[2.0, 0.0, 0.0, 0.0, 1.0, 0.0])));
    let sparse =
        json!({"count": 2, "indices": {"bufferView": places, "componentType": 5121}, "values": {"bufferView": values}});
    file.json["accessors"] = json!([{"componentType": FLOAT, "type": "VEC3", "count": 3, "sparse": sparse}]);
    file.primitive()["attributes"]["POSITION"] = json!(0);
    assert_eq!(file.part().positions, File::triangle().part().positions);
    file.bytes[1] = 3;
    assert_eq!(file.error(), "accessor 0: it replaces a number that it has not");
}

#[test]
fn materials_are_read() {
    let mut file = File::triangle();
    file.texture(&png(1, &[[1, 2, 3, 255]]), json!({}));
    file.json["samplers"] = json!([{"wrapS": 33071, "wrapT": 33648, "magFilter": 9728}]);
    file.json["textures"][0]["sampler"] = json!(0);
    let material = &mut file.json["materials"][0];
    material["pbrMetallicRoughness"]["baseColorFactor"] = json!([0.5, 0.25, 1.0, 0.75]);
    material["emissiveFactor"] = json!([0.0, 0.1, 0.0]);
    material["alphaMode"] = json!("MASK");
    material["alphaCutoff"] = json!(0.25);
    let mesh = file.read().unwrap();
    let read = mesh.materials[0];
    assert_eq!((read.base_factor, read.cutoff), ([0.5, 0.25, 1.0, 0.75], Some(0.25)));
    assert_eq!((read.emissive_factor, read.shading), ([0.0, 0.1, 0.0], Shading::Lit));
    let base = read.base.unwrap();
    assert_eq!((base.wrap, base.magnified), ([Wrap::Edge, Wrap::Mirror], Magnified::Squares));
    assert_eq!((mesh.images[0].width(), mesh.images[0].height()), (1, 1));

    let material = &mut file.json["materials"][0];
    material["alphaMode"] = json!("BLEND");
    material["extensions"] = json!({"KHR_materials_unlit": {}, "KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0.1, 0.2, 0.3, 1.0]}});
    let read = file.read().unwrap().materials[0];
    assert_eq!((read.base_factor, read.cutoff), ([0.1, 0.2, 0.3, 1.0], Some(0.5)));
    assert_eq!((read.emissive_factor, read.shading), ([0.0; 3], Shading::Unlit));
}

#[test]
fn a_texture_is_moved_scaled_and_turned() {
    let mut file = File::triangle();
    // Scaled, then turned, then moved: u' = cos · su · u + sin · sv · v + ou.
    let transform = json!({"offset": [0.5, 0.25], "rotation": std::f32::consts::FRAC_PI_2, "scale": [2.0, 3.0]});
    file.texture(&png(1, &[[1, 2, 3, 255]]), json!({"extensions": {"KHR_texture_transform": transform}}));
    let places = file.part().base_places;
    for (place, exact) in places.iter().zip([[0.5, 0.25], [0.5, -1.75], [3.5, 0.25]]) {
        assert!(place.iter().zip(exact).all(|(axis, exact)| (axis - exact as f32).abs() < 1e-6), "{place:?} {exact:?}");
    }
}

#[test]
fn a_jpeg_is_read_whatever_it_is_called() {
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 95).encode(&[200; 8 * 8 * 3], 8, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    let mut file = File::triangle();
    file.texture(&bytes, json!({}));
    let image = file.read().unwrap().images.remove(0);
    assert_eq!((image.width(), image.height(), image.is_opaque()), (8, 8, true));
}

#[test]
fn nothing_outside_is_opened() {
    for uri in ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1/a.bin", "a.bin"] {
        let mut file = File::triangle();
        file.json["buffers"][0]["uri"] = json!(uri);
        assert!(file.error().starts_with(&format!("it has bytes elsewhere, in `{uri}`")), "{}", file.error());
        let mut file = File::triangle();
        file.texture(&png(1, &[[0; 4]]), json!({}));
        file.json["images"] = json!([{"uri": uri}]);
        assert!(matches!(file.read(), Err(GltfError::Elsewhere(_))));
    }
}

#[test]
fn what_a_file_needs_is_named() {
    for name in ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu", "EXT_texture_webp"] {
        let mut file = File::triangle();
        file.json["extensionsRequired"] = json!([name]);
        assert_eq!(file.error(), format!("it needs {name}, which is not read here"));
    }
    // It says so of a primitive alone.
    let mut file = File::triangle();
    file.primitive()["extensions"] = json!({"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {}}});
    assert!(file.read().is_ok(), "its numbers are there, too");
    file.json["accessors"][0].as_object_mut().unwrap().remove("bufferView");
    assert_eq!(file.error(), "it needs KHR_draco_mesh_compression, which is not read here");
    let mut file = File::triangle();
    file.texture(b"RIFF0000WEBPVP8 ", json!({}));
    assert_eq!(file.error(), "it needs WebP images, which is not read here");
    let mut file = File::triangle();
    file.texture(&png(1, &[[0; 4]]), json!({}));
    file.json["textures"] = json!([{"extensions": {"EXT_texture_webp": {"source": 0}}}]);
    assert!(matches!(file.read(), Err(GltfError::Needs(_))));
}

#[test]
fn what_gltf_does_not_have_is_refused_where_it_matters() {
    let no_kind = "accessor 0: its numbers are of no kind that there is";
    let no_vectors = "accessor 0: it holds neither numbers nor vectors";
    let no_mode = "it needs a kind of primitive that is not glTF's, which is not read here";
    // Also numbers of which 32 bits would be right.
    for (path, values, error) in [
        ("/accessors/0/componentType", [json!(5124), json!(0), json!(5126 + (1_u64 << 32))], no_kind),
        ("/accessors/0/type", [json!("VEC5"), json!("vec3"), json!("MAT4")], no_vectors),
        ("/meshes/0/primitives/0/mode", [json!(7), json!(u64::MAX), json!(4 + (1_u64 << 32))], no_mode),
    ] {
        for value in values {
            let mut file = File::triangle();
            file.primitive()["mode"] = json!(4);
            *file.json.pointer_mut(path).unwrap() = value.clone();
            assert_eq!(file.error(), error, "{path} {value}");
        }
    }
    for kind in [5120, 5124, 5126] {
        let mut file = everything();
        file.json["accessors"][0]["sparse"]["indices"]["componentType"] = json!(kind);
        assert_eq!(file.error(), "accessor 0: its sparse indices are of no kind that there is");
    }
}

#[test]
fn what_gltf_does_not_have_is_as_if_unsaid_where_it_shows_little() {
    let mut file = File::triangle();
    file.texture(&png(1, &[[1, 2, 3, 255]]), json!({}));
    file.json["samplers"] = json!([{}]);
    file.json["textures"][0]["sampler"] = json!(0);
    let plain = file.read().unwrap();
    file.json["materials"][0]["alphaMode"] = json!("HASHED");
    file.json["samplers"] = json!([{"wrapS": 1, "wrapT": 33071 + (1_u64 << 32), "magFilter": 7, "minFilter": -1}]);
    assert_eq!(file.read().unwrap(), plain);
}

#[test]
fn what_is_not_read_may_be_anything() {
    let plain = everything().read().unwrap();
    let mut file = everything();
    let odd = json!({"children": [-1, {"deep": [null, "\u{1F426}"]}], "number": 1e300});
    let extensions = json!({"VENDOR_thing": odd, "KHR_materials_ior": 7, "KHR_lights_punctual": []});
    for name in ["animations", "cameras", "skins", "extensionsUsed", "extras"] {
        file.json[name] = odd.clone();
    }
    for path in ["/asset", "/scenes/0", "/nodes/0", "/nodes/1", "/meshes/0", "/meshes/0/primitives/0", "/accessors/0"]
        .into_iter()
        .chain(["/accessors/0/sparse", "/accessors/0/sparse/indices", "/accessors/0/sparse/values", "/bufferViews/0"])
        .chain(["/buffers/0", "/materials/0", "/textures/0", "/samplers/0", "/images/0"])
    {
        let object = file.json.pointer_mut(path).unwrap();
        for name in ["name", "extras", "target", "targets", "weights", "skin", "camera", "min", "max", "mimeType"] {
            object[name] = odd.clone();
        }
        object["extensions"] = extensions.clone();
    }
    file.json["materials"][0]["normalTexture"] = odd;
    file.primitive()["attributes"]["_TEMPERATURE"] = json!(99);
    file.primitive()["attributes"]["TEXCOORD_x"] = json!(99);
    assert_eq!(file.read().unwrap(), plain);
    file.json["scenes"] = json!([{}]);
    assert!(matches!(file.read(), Err(GltfError::Mesh(MeshError::Empty))), "a scene may have no nodes");
}

#[test]
fn numbers_of_a_list_are_whole_and_not_below_0() {
    for path in ["/scene", "/scenes/0/nodes/0", "/nodes/0/mesh", "/meshes/0/primitives/0/attributes/POSITION"]
        .into_iter()
        .chain(["/accessors/0/bufferView", "/bufferViews/0/buffer"])
    {
        for value in [json!(-1), json!(0.5), json!("0"), json!(1e40), json!([0]), json!({})] {
            let mut file = File::triangle();
            *file.json.pointer_mut(path).unwrap() = value.clone();
            assert!(matches!(file.read(), Err(GltfError::Json(_))), "{path} {value}");
        }
        let mut file = File::triangle();
        *file.json.pointer_mut(path).unwrap() = json!(1_u64 << 32);
        assert!(file.read().is_err(), "{path}");
    }
}

#[test]
fn circles_and_depths_of_nodes_are_refused() {
    let mut file = File::triangle();
    file.json["nodes"] = json!([{"children": [1]}, {"children": [0]}]);
    assert_eq!(file.error(), "node 0: it is below two nodes, or below itself");
    file.json["nodes"] = json!([{"children": [1, 1]}, {"mesh": 0}]);
    assert_eq!(file.error(), "node 1: it is below two nodes, or below itself");
    let chain = |length: u32| {
        (0..length)
            .map(move |node| if node + 1 < length { json!({"children": [node + 1]}) } else { json!({"mesh": 0}) })
    };
    file.json["nodes"] = chain(64).collect();
    assert!(file.read().is_ok());
    file.json["nodes"] = chain(65).collect();
    assert_eq!(file.error(), "node 64: it is more than 64 nodes deep");
}

#[test]
fn what_leads_nowhere_is_refused() {
    for (path, error) in [
        ("/nodes/0/mesh", "mesh 7 is not there, there are 1"),
        ("/scenes/0/nodes/0", "node 7 is not there, there are 1"),
        ("/scene", "scene 7 is not there, there are 1"),
        ("/meshes/0/primitives/0/attributes/POSITION", "accessor 7 is not there, there are 1"),
        ("/accessors/0/bufferView", "buffer view 7 is not there, there are 1"),
        ("/bufferViews/0/buffer", "buffer 7 is not there, there are 1"),
        ("/accessors/0/count", "accessor 0: it reaches beyond its buffer view"),
        ("/bufferViews/0/byteOffset", "buffer view 0: it reaches beyond its buffer"),
    ] {
        let mut file = File::triangle();
        *file.json.pointer_mut(path).unwrap() = json!(7);
        assert_eq!(file.error(), error, "{path}");
    }
    let mut file = File::triangle();
    file.indices(5121, 3, &[0, 1, 3]);
    assert_eq!(file.error(), "accessor 1: it has vertex 3 of 3");
}

#[test]
fn promises_take_no_memory() {
    let huge = json!(u64::MAX);
    for path in
        ["/accessors/0/count", "/bufferViews/0/byteLength", "/bufferViews/0/byteOffset", "/accessors/0/byteOffset"]
    {
        let mut file = File::triangle();
        file.json["accessors"][0]["byteOffset"] = json!(0);
        *file.json.pointer_mut(path).unwrap() = huge.clone();
        assert!(file.read().is_err(), "{path}");
    }
    // Numbers that are all 0 need no bytes in a file, and a strip of few of them is many triangles.
    let mut file = File::triangle();
    file.json["accessors"][0] = json!({"componentType": FLOAT, "type": "VEC3", "count": 4_000_000_000_u64});
    assert!(matches!(file.read(), Err(GltfError::TooMuch { what: "triangles", .. })), "{}", file.error());
    // Many nodes that show one mesh.
    let file = File::triangle();
    let few = Limits { triangles: 3, ..Limits::default() };
    let mut many = File::triangle();
    many.json["nodes"] = vec![json!({"mesh": 0}); 4].into();
    many.json["scenes"] = json!([{"nodes": [0, 1, 2, 3]}]);
    assert_eq!(read_gltf(&many.glb(), &few).unwrap_err().to_string(), "4 triangles, more than 3");
    let small = Limits { file: 100, ..Limits::default() };
    assert!(matches!(read_gltf(&file.glb(), &small), Err(GltfError::TooMuch { what: "bytes", .. })));
    let mut file = File::triangle();
    file.texture(&png(40, &[[9; 4]; 1600]), json!({}));
    for limits in [Limits { image_side: 39, ..Limits::default() }, Limits { images: 17_000, ..Limits::default() }] {
        assert!(matches!(read_gltf(&file.glb(), &limits), Err(GltfError::TooMuch { .. })));
    }
}

#[test]
fn what_is_not_finite_is_refused() {
    let mut file = File::triangle();
    file.bytes[0..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(file.error(), "part 0 has a vertex whose position is not finite");
    let mut file = File::triangle();
    file.json["nodes"][0]["scale"] = json!([3e38, 3e38, 3e38]);
    file.json["nodes"][0]["translation"] = json!([3e38, 0, 0]);
    assert_eq!(file.error(), "part 0 has a vertex whose position is not finite");
}

#[test]
fn other_files_are_refused() {
    let limits = Limits::default();
    for bytes in [&b""[..], b"glT", b"ply\nformat ascii 1.0", b"PK\x03\x04"] {
        assert!(matches!(read_gltf(bytes, &limits), Err(GltfError::Format)));
    }
    let mut old = File::triangle().glb();
    old[4] = 1;
    assert_eq!(read_gltf(&old, &limits).unwrap_err().to_string(), "glTF 1 is not 2, which alone is read");
    let mut file = File::triangle();
    file.json["asset"]["version"] = json!("1.1");
    assert!(matches!(file.read(), Err(GltfError::Version(_))));
}

#[test]
fn a_file_that_is_cut_short_is_an_error_at_every_length() {
    let file = everything();
    for bytes in [file.glb(), file.gltf()] {
        assert!(read_gltf(&bytes, &Limits::default()).is_ok());
        for length in 0..bytes.len() {
            let result = read_gltf(&bytes[..length], &Limits::default());
            assert!(result.is_err(), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn mutants_are_read_or_refused() {
    let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let limits = Limits { triangles: 1000, vertices: 3000, image_side: 64, images: 1 << 20, ..Limits::default() };
    let file = everything();
    let camera = crate::Turntable { side: 24, ..crate::Turntable::default() }.camera(1);
    let mut read = 0;
    for mutant in 0..2000 {
        let mut bytes = if mutant % 4 == 0 { file.gltf() } else { file.glb() };
        for _ in 0..1 + rng.next_u32() % 6 {
            let at = rng.next_u32() as usize % bytes.len();
            match rng.next_u32() % 4 {
                // A digit for a digit keeps JSON readable, and what it says wrong.
                0 | 1 => {
                    let digits: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_digit()).collect();
                    bytes[digits[at % digits.len()]] = b'0' + (rng.next_u32() % 10) as u8;
                }
                2 => bytes[at] = rng.next_u32() as u8,
                _ => bytes[at] ^= 1 << (rng.next_u32() % 8),
            }
        }
        if let Ok(mesh) = read_gltf(&bytes, &limits) {
            read += 1;
            let view = crate::render(&mesh, &camera, crate::Style::default()).unwrap();
            assert_eq!(view.depth().len(), 24 * 24);
            if let Ok(mesh) = mesh.z_up().normalised() {
                crate::render(&mesh, &camera, crate::Style::default()).unwrap();
            }
        }
    }
    assert!((100..1900).contains(&read), "{read} of 2000 are still files");
}
