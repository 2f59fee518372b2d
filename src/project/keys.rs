//! Every key of `mill.toml`: the one list that validation, defaults, `--set`, `init` and `doctor --keys` are derived from.

/// A key with its default and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigKey {
    /// The table of `mill.toml`: `build`, `ask`, ...
    pub section: &'static str,
    /// The name inside the table; in SQL it is `$name`.
    pub name: &'static str,
    /// TOML text of the default.
    pub default: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
    /// Whether it is a share, 0 to 1.
    pub share: bool,
}

const fn key(section: &'static str, name: &'static str, default: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey { section, name, default, doc, share: false }
}

const fn share(section: &'static str, name: &'static str, default: &'static str, doc: &'static str) -> ConfigKey {
    ConfigKey { section, name, default, doc, share: true }
}

/// All keys but those of `[[source]]`, which each kind of source documents itself. Names are unique over all sections, because
/// SQL knows them by name alone.
pub const KEYS: &[ConfigKey] = &[
    key(
        "warehouse",
        "url",
        "\"warehouse\"",
        "where tables live: a path, file:///..., s3://bucket/prefix or memory://. What stands behind the bucket is a key as it is: #, ?, % and blanks stand for themselves",
    ),
    key("build", "seed", "0", "every random choice is a hash of this seed and stable ids"),
    key(
        "build",
        "memory",
        "\"2 GiB\"",
        "what the process may use; about a third of it is the query engine's pool, which spills beyond it. \"auto\" is 0.6 of what the machine, or the cgroup that a scheduler has put the process into, has",
    ),
    key("build", "partitions", "0", "how many partitions a plan has; 0 is one per core. Results do not depend on it"),
    key("build", "batch_size", "8192", "rows in a batch. Results do not depend on it"),
    key(
        "build",
        "part_timeout",
        "600.0",
        "of `build --part i/n`: after so many seconds without a new record part 0 makes itself what other parts have not made, and without a heartbeat of part 0 the others end with an error",
    ),
    share(
        "build",
        "max_quarantined",
        "0.05",
        "share of a source's images that may be quarantined, and of its other rows; above it nothing is published (exit code 3)",
    ),
    key(
        "build",
        "benchmarks",
        "[]",
        "files that list what benchmarks are made of, a scene's or a frame's id, an image's file name (every image of that name) or path (what lies at the end of that very path), or its SHA-256 a line, as sha256sum writes them, too: frames for training that are on a list are left out, unless their source says allow_benchmarks = true. How many images a list keeps out is told, and which lines match nothing in any source",
    ),
    key(
        "build",
        "benchmarks_must_match",
        "true",
        "a list of which no line matches anything in any source stops the import before anything is published: it is misspelt, or guards nothing",
    ),
    key(
        "models",
        "detect_model",
        "\"\"",
        "which model of models.toml finds the objects of images that nobody annotated; none when empty",
    ),
    key("models", "segment_model", "\"\"", "which model gives masks to boxes that have none"),
    key(
        "models",
        "depth_model",
        "\"\"",
        "which model tells how far away things are in images without a depth image, scan or 3D box",
    ),
    key(
        "models",
        "intrinsics_model",
        "\"\"",
        "which model tells the camera of images whose camera is not known; fov_degrees when empty",
    ),
    key(
        "models",
        "gravity_model",
        "\"\"",
        "which model tells which way is down in images where that is not known; taken to be level when empty",
    ),
    key("models", "caption_model", "\"\"", "which model names things that have no caption by a short noun phrase"),
    key(
        "models",
        "fov_degrees",
        "60.0",
        "the field of view across the longer side, degrees, of images whose camera neither they nor a model tell",
    ),
    share(
        "models",
        "exif_trust",
        "0.95",
        "how far a focal length from EXIF is trusted, which lenses and crops change; an annotated one has 1 (0-1)",
    ),
    share("models", "fov_trust", "0.8", "how far a camera is trusted that is known by fov_degrees alone (0-1)"),
    key(
        "models",
        "onnxruntime",
        "\"\"",
        "the file of ONNX Runtime's library; when empty it is looked for where `spatialmill setup` puts it",
    ),
    key("models", "provider", "\"cpu\"", "what models run on: cpu, cuda or tensorrt; a model's own `provider` wins"),
    key("models", "device", "0", "which accelerator"),
    key("models", "in_flight", "64", "images of one partition that are read, decoded and asked about at once"),
    key(
        "ask",
        "position_facts_per_frame",
        "12.0",
        "facts of position about its askable objects that a frame is sampled for, on average; those that pass the filters become questions",
    ),
    key("ask", "size_facts_per_frame", "8.0", "facts of size that a frame is sampled for, on average"),
    key(
        "ask",
        "existence_groups_per_frame",
        "4.0",
        "groups of objects (one category around one reference, along one axis) that a frame is sampled for existence, at most, on average",
    ),
    key(
        "ask",
        "counting_groups_per_frame",
        "4.0",
        "groups of objects that a frame is sampled for counting, at most, on average",
    ),
    share("ask", "yes_no_share", "0.4", "share of comparisons asked as yes or no"),
    share("ask", "choice_share", "0.35", "share of comparisons asked as a choice; the rest are open"),
    share(
        "ask",
        "count_choice_share",
        "0.4",
        "share of countings asked as a choice; the rest ask for a number. What counts 3 and more is scarce and asked in both forms, unless this is 0 or 1",
    ),
    share("ask", "count_zero_share", "0.25", "of the countings that give 0, the share that is asked"),
    key(
        "ask",
        "debiased_tasks",
        "[\"existence_estimation\"]",
        "tasks of which questions are left out until neither category of a question, nor both of them, predict its relation: \"is there a picture above the table?\" is answered without a look where pictures always are above tables. Applies where `balance.targets` wants answer = \"uniform\"",
    ),
    key(
        "ask",
        "skip_categories",
        "[\"wall\", \"floor\", \"ceiling\", \"object\", \"objects\", \"other\", \"otherfurniture\", \"otherprop\", \"otherstructure\", \"other furniture\", \"other prop\", \"other structure\", \"misc\", \"miscellaneous\", \"unknown\", \"unlabeled\", \"unlabelled\", \"unspecified\", \"undefined\", \"void\", \"background\", \"n/a\", \"na\", \"none\", \"null\", \"nan\", \"ignore\", \"ignored\", \"ignore region\", \"ignore regions\", \"ignored region\", \"ignored regions\", \"dontcare\", \"don't care\", \"dont care\", \"others\", \"other(s)\", \"remove\", \"item\", \"items\", \"thing\", \"stuff\", \"structure\"]",
        "categories that nothing is asked about: surfaces without an end, names that say nothing, and names of no object (background, N/A, ignored regions). Whole names, not parts of names",
    ),
    share(
        "ask",
        "min_visibility",
        "0.5",
        "share of an object that must be seen: of what is mostly hidden or cut off, people dispute what it is (0-1)",
    ),
    share(
        "ask",
        "min_visibility_size",
        "0.6",
        "share of an object that must be seen before its size is compared (0-1)",
    ),
    share(
        "ask",
        "same_thing_iou",
        "0.9",
        "two marks of one category whose masks (or boxes, where one has no mask) share more than this are one object that was marked twice (0-1)",
    ),
    share(
        "ask",
        "min_score",
        "0.5",
        "how sure a model must be of an object that it found before anything is asked about it; it is counted and told apart all the same (0-1)",
    ),
    share("ask", "min_mask_score", "0.7", "how good a model must think the mask is that it made of an object (0-1)"),
    share("ask", "min_lift_quality", "0.3", "how far an object's shape and place must be trusted (0-1)"),
    share(
        "ask",
        "min_lift_quality_size",
        "0.65",
        "how far an object's size must be trusted (objects.size_quality) before it is compared (0-1)",
    ),
    share(
        "ask",
        "box_trust",
        "0.8",
        "how far the place of an object is trusted that is known by a 2D box and the depth in its middle, without a mask; what has a mask has 1 (0-1). It is compared by place alone",
    ),
    share(
        "ask",
        "box3d_occlusion_trust",
        "0.7",
        "how far an annotated 3D box is trusted whose annotation does not say how much of it is visible: what has no box may hide it (0-1)",
    ),
    share(
        "ask",
        "depth_occlusion_trust",
        "0.9",
        "how far an object of a scan without triangles is trusted, where the frame's depth image says what hides it; triangles have 1 (0-1). Where there is neither, box3d_occlusion_trust",
    ),
    share(
        "ask",
        "box3d_level_trust",
        "0.8",
        "how far an annotated 3D box is trusted in a frame of unknown gravity, whose camera is taken to be level (0-1)",
    ),
    key(
        "ask",
        "depth_noise",
        "0.0015",
        "by how much depth images err 1 m away, metres; it grows with the square of the distance, as that of stereo and structured light does, and takes the sizes of far objects; 0 for lidar",
    ),
    share(
        "ask",
        "min_outline_model",
        "0.2",
        "share of an object's outline along which a model's depth must differ, by 5 %, from the object's own; an object that stands out less is trusted less, as the model takes it for the wall or the table (0-1; 0 trusts it)",
    ),
    key("ask", "min_gap_lateral", "0.1", "left and right: distance between the centres, metres"),
    key(
        "ask",
        "min_margin_lateral",
        "0.5",
        "left and right: that distance relative to the mean width of the two; 1 is side by side",
    ),
    share("ask", "max_overlap_lateral", "0.3", "left and right: shared part of the narrower one's width (0-1)"),
    share(
        "ask",
        "max_overlap_image",
        "0.6",
        "left and right: shared part of the narrower one's columns in the image (0-1)",
    ),
    key("ask", "min_gap_vertical", "0.15", "above and below: distance between the centres, metres"),
    key("ask", "min_margin_vertical", "0.5", "above and below: that distance relative to the mean height of the two"),
    key(
        "ask",
        "max_unknown_pitch",
        "30.0",
        "above and below where nobody knows which way is up: they must hold however far the camera is tilted up or down, up to so many degrees, at most 89; 0 takes cameras to be level. (Of 23 such questions on photos 12 would not have survived 30 degrees)",
    ),
    share("ask", "max_overlap_vertical", "0.3", "above and below: shared part of the lower one's height (0-1)"),
    key("ask", "min_gap_depth", "0.2", "near and far: distance between the nearest surfaces, metres"),
    key(
        "ask",
        "min_margin_depth",
        "0.15",
        "near and far: that distance relative to the distance of the nearer one from the camera",
    ),
    key(
        "ask",
        "min_margin_depth_model",
        "0.6",
        "near and far by a model's depth: the least of that margin. (Its order is right in 69 % at margins of .15 to .25, 74 % up to .4, 84 % up to .6, 89 % above)",
    ),
    key(
        "ask",
        "min_image_gap_depth_model",
        "0.25",
        "near and far by a model's depth: by how much the nearer object must also end lower in the image, as on a floor, relative to the height of the lower box of the two; below -1000 the image is not asked. (Of 40 answers judged by eye it took four of six that were wrong, and none that was right)",
    ),
    share("ask", "max_overlap_depth", "0.5", "near and far: shared part of the shallower one's depth (0-1)"),
    key("ask", "min_gap_size", "0.05", "wider and taller: difference, metres"),
    key("ask", "min_margin_size", "0.25", "wider and taller: difference relative to the longer one"),
    key(
        "ask",
        "min_margin_height_lifted",
        "0.4",
        "taller, of objects lifted from depth, which shows one side of them: the least of that margin. (Between .25 and .4, 11 of 226 answers are wrong)",
    ),
    key("ask", "min_gap_volume", "0.001", "larger: difference, cubic metres"),
    key("ask", "min_margin_volume", "0.5", "larger: difference relative to the larger one"),
    key(
        "ask",
        "min_margin_volume_lifted",
        "0.7",
        "larger, of objects lifted from depth: the least of that margin. (Between .5 and .7, 11 of 198 answers are wrong)",
    ),
    key(
        "formats",
        "allow",
        "{ \"*\" = [\"*/*\"] }",
        "which of the 19 formats a task, a source or (*) anything may have: \"text/image\", where * is any. A sample must be allowed by all that are named: { \"*\" = [\"*/*\"], office = [\"natural/*\", \"*/boxes\"] }",
    ),
    key(
        "formats",
        "packs",
        "{ plain = 1.0 }",
        "which packs of phrases are used, with relative shares; `spatialmill phrases list` names them",
    ),
    key(
        "formats",
        "own_colours",
        "true",
        "whether marks have another colour than the objects they are on; each image is decoded once to see it, and to see that it can be",
    ),
    key("formats", "min_box_side", "4.0", "a box that is drawn or written is at least this wide and high, pixels"),
    share(
        "formats",
        "max_box_filled",
        "0.5",
        "an object whose box is filled by other marked objects to a larger share than this (a wall unit, a couch under pillows) is not pointed at without its name (0-1)",
    ),
    key("formats", "min_mask_pixels", "64", "a mask that is drawn has at least so many pixels"),
    key(
        "formats",
        "min_number_room",
        "0.01",
        "a number stands in the middle of a circle that lies on its object alone; the least radius of that circle, relative to the image's longer side",
    ),
    share(
        "balance",
        "noun_share",
        "0.8",
        "names alone are said to give an answer where at least this share of the facts about two such objects, on this axis, is alike (0-1)",
    ),
    key("balance", "noun_support", "8", "and where there are at least so many of those facts in the source"),
    key(
        "balance",
        "targets",
        "{ relation = \"uniform\", answer = \"uniform\", format = \"uniform\" }",
        "the mix that the dataset is to have, over source, task, axis, relation, answer_form, answer, text_format, image_format, format (text/image) and shortcut (box, noun, none; within each axis); what is not named stays as it is. Each is \"uniform\" or a table of relative shares. With answer = \"uniform\" numbers stay as they are, within max_number_share",
    ),
    share(
        "balance",
        "max_number_share",
        "0.35",
        "with answer = \"uniform\": no number is the answer to a larger share of the open countings about one relation (0-1)",
    ),
    share(
        "balance",
        "min_keep_rate",
        "0.05",
        "no value that is scarce may push what is kept of the others below this share (0-1)",
    ),
    share(
        "balance",
        "rate_tolerance",
        "0.02",
        "keep rates that would move by no more than this stay as they are, so that one changed shard does not rewrite all others, unless it brings what was not there before; 0 for always exact",
    ),
];
