//! Pictures end to end: all kinds of files, hostile ones, and drawings that share what they can.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use spatialmill_geometry::colour::{Colour, PALETTE};

use super::*;

/// Something like a photo: smooth, with edges, and no two places alike.
fn pixels(width: u32, height: u32, channels: u32) -> Vec<u8> {
    let value = |x: u32, y: u32, channel: u32| {
        let (fx, fy) = (f64::from(x) / 17.0 + f64::from(channel), f64::from(y) / 11.0);
        let edge = if (x / 23 + y / 19).is_multiple_of(2) { 40.0 } else { -40.0 };
        (128.0 + 70.0 * (fx.sin() * (fy + fx / 3.0).cos()) + edge) as u8
    };
    (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..channels).map(move |channel| (x, y, channel))))
        .map(|(x, y, channel)| value(x, y, channel))
        .collect()
}

fn jpeg(width: u32, height: u32, colours: ColorType, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let channels = match colours {
        ColorType::Luma => 1,
        ColorType::Cmyk => 4,
        _ => 3,
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    change(&mut encoder);
    encoder.encode(&pixels(width, height, channels), width as u16, height as u16, colours).unwrap();
    bytes
}

fn photo(width: u32, height: u32) -> Vec<u8> {
    jpeg(width, height, ColorType::Rgb, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_0))
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn red() -> Colour {
    PALETTE[0]
}

fn number(number: u16, x: f64, y: f64) -> Mark<'static> {
    Mark::Number { number, x, y, room: 20.0, colour: red() }
}

#[test]
fn what_was_drawn_before_changes_no_byte() {
    for (width, height) in [(640, 480), (331, 77), (97, 203), (16, 16), (1, 1), (7, 900)] {
        let bytes = photo(width, height);
        let (w, h) = (f64::from(width), f64::from(height));
        let mask = Mask::from_box(height, width, &PixelBox { x0: w * 0.3, y0: 0.0, x1: w, y1: h * 0.8 }).unwrap();
        let area = PixelBox { x0: w * 0.1, y0: h * 0.2, x1: w * 0.6, y1: h * 0.9 };
        let drawings = [
            vec![Mark::Box { area, colour: PALETTE[1] }],
            vec![number(7, w / 2.0, h / 3.0)],
            vec![],
            vec![Mark::Mask { mask: &mask, colour: PALETTE[2] }, Mark::Box { area, colour: PALETTE[3] }],
            vec![Mark::Box { area, colour: PALETTE[1] }],
        ];
        let shared = Picture::decode(&bytes).unwrap();
        for marks in &drawings {
            let alone = Picture::decode(&bytes).unwrap().drawn(marks).unwrap();
            assert!(shared.drawn(marks).unwrap() == alone, "{width} x {height}: {marks:?}");
            // A decoder that is strict about restart markers takes it.
            let again = Picture::decode(&alone).unwrap();
            assert_eq!((again.width(), again.height()), (width, height));
        }
    }
}

#[test]
fn marks_are_drawn_by_kind_whatever_their_order() {
    let bytes = photo(200, 150);
    let mask = Mask::from_box(150, 200, &PixelBox { x0: 20.0, y0: 20.0, x1: 150.0, y1: 120.0 }).unwrap();
    let area = PixelBox { x0: 10.0, y0: 30.0, x1: 90.0, y1: 110.0 };
    let marks =
        [Mark::Mask { mask: &mask, colour: PALETTE[4] }, Mark::Box { area, colour: PALETTE[5] }, number(3, 90.0, 60.0)];
    let [a, b, c] = marks;
    let picture = Picture::decode(&bytes).unwrap();
    assert!(picture.drawn(&[a, b, c]).unwrap() == picture.drawn(&[c, b, a]).unwrap());
}

#[test]
fn a_badge_that_would_hide_its_object_points_at_it() {
    let picture = Picture::decode(&png(image::RgbImage::from_pixel(200, 100, image::Rgb([128; 3])))).unwrap();
    for (y, badge_row) in [(80.0, 57), (10.0, 33)] {
        let mut canvas = Canvas::on(&picture.planes, picture.grid);
        mark::draw(&mut canvas, &[Mark::Number { number: 1, x: 100.0, y, room: 4.0, colour: red() }]).unwrap();
        let drawn = canvas.flattened();
        let is_bare = |row: usize, column: usize| drawn.y[row * 200 + column] == picture.planes.y[0];
        let object = (0..100).flat_map(|row| (0..200).map(move |column| (row, column)));
        let mut object = object.filter(|(row, column)| {
            let (down, along) = (*row as f64 + 0.5 - y, *column as f64 + 0.5 - 100.0);
            (down * down + along * along).sqrt() < 3.0
        });
        assert!(object.all(|(row, column)| is_bare(row, column)), "the object at {y} is covered");
        assert!(!is_bare(badge_row, 95), "no badge beside {y}");
    }
}

#[test]
fn badges_stay_inside() {
    let (width, height) = (160, 120);
    let bytes = png(image::RgbImage::from_pixel(width, height, image::Rgb([128; 3])));
    let picture = Picture::decode(&bytes).unwrap();
    let ink = |x: f64, y: f64, digits: u16| {
        let mut canvas = Canvas::on(&picture.planes, picture.grid);
        mark::draw(&mut canvas, &[number(digits, x, y)]).unwrap();
        let ground = picture.planes.y[0];
        canvas.flattened().y.iter().map(|y| u64::from(y.abs_diff(ground))).sum::<u64>()
    };
    for digits in [8, 42, 999] {
        let whole = ink(80.0, 60.0, digits);
        for (x, y) in [(0.0, 0.0), (160.0, 120.0), (-500.0, 60.0), (80.0, 1e9), (159.0, 3.0)] {
            assert_eq!(ink(x, y, digits), whole, "{digits} at {x}, {y}");
        }
    }
    // Where there is no room for a badge there is what fits.
    for (width, height) in [(1, 1), (5, 40), (40, 5)] {
        let bytes = png(image::RgbImage::new(width, height));
        Picture::decode(&bytes).unwrap().drawn(&[number(123, 1.0, 1.0)]).unwrap();
    }
}

#[test]
fn marks_that_cannot_be_drawn_are_errors() {
    let picture = Picture::decode(&photo(60, 40)).unwrap();
    let check = |mark: Mark, expected: &str| match picture.drawn(&[number(1, 5.0, 5.0), mark]) {
        Err(DrawError::Mark(error)) => assert_eq!(error.to_string(), expected),
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    };
    let outside = "mark 1 has no pixel in the picture of 60 x 40";
    let area = |x0, x1| PixelBox { x0, y0: 0.0, x1, y1: 10.0 };
    check(Mark::Box { area: area(60.0, 80.0), colour: red() }, outside);
    check(Mark::Box { area: area(f64::NAN, 80.0), colour: red() }, outside);
    check(Mark::Mask { mask: &Mask::empty(40, 60).unwrap(), colour: red() }, outside);
    check(
        Mark::Mask { mask: &Mask::empty(60, 40).unwrap(), colour: red() },
        "mark 1 is a mask of 40 x 60 pixels on a picture of 60 x 40",
    );
    check(number(1000, 1.0, 1.0), "mark 1 is the number 1000, which has more than three digits");
    check(number(1, f64::NAN, 1.0), "mark 1 is a number at NaN, 1 with room 20: all three must be finite");
}

/// The picture's brightness and colour are those of the pixels that were encoded, give or take what JPEG loses.
fn check_close(bytes: &[u8], expected: [u8; 3]) {
    let picture = Picture::decode(bytes).unwrap();
    let all = PixelBox { x0: 0.0, y0: 0.0, x1: 1e4, y1: 1e4 };
    let found = picture.mean_colour(&all).unwrap();
    assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4), "{found:?}, not {expected:?}");
}

#[test]
fn jpegs_of_all_kinds() {
    let mean = |channels: u32, channel: u32| {
        let values = pixels(70, 50, channels);
        let sum: u32 = values.iter().skip(channel as usize).step_by(channels as usize).map(|v| u32::from(*v)).sum();
        (sum / 3500) as u8
    };
    let colour = [mean(3, 0), mean(3, 1), mean(3, 2)];
    check_close(&photo(70, 50), colour);
    check_close(&jpeg(70, 50, ColorType::Rgb, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_4_4)), colour);
    check_close(&jpeg(70, 50, ColorType::Rgb, |encoder| encoder.set_sampling_factor(SamplingFactor::R_4_2_2)), colour);
    check_close(&jpeg(70, 50, ColorType::Rgb, |encoder| encoder.set_progressive(true)), colour);
    check_close(&jpeg(70, 50, ColorType::Rgb, |encoder| encoder.set_restart_interval(3)), colour);
    check_close(&jpeg(70, 50, ColorType::Luma, |_| ()), [mean(1, 0); 3]);
    let cmyk = Picture::decode(&jpeg(70, 50, ColorType::Cmyk, |_| ())).unwrap();
    assert_eq!((cmyk.width(), cmyk.height()), (70, 50));
}

#[test]
fn pngs_of_all_kinds() {
    let grey = image::ImageBuffer::from_pixel(5, 3, image::Luma([40_000_u16]));
    check_close(&png(grey), [156; 3]);
    check_close(&png(image::GrayImage::from_pixel(5, 3, image::Luma([9]))), [9; 3]);
    let sixteen = image::ImageBuffer::from_pixel(5, 3, image::Rgb([65_535_u16, 0, 32_768]));
    check_close(&png(DynamicImage::ImageRgb16(sixteen)), [255, 0, 128]);
    // Half transparent black is grey on white.
    check_close(&png(image::RgbaImage::from_pixel(5, 3, image::Rgba([0, 0, 0, 128]))), [127; 3]);
    check_close(&png(image::RgbaImage::from_pixel(5, 3, image::Rgba([10, 20, 30, 255]))), [10, 20, 30]);
}

#[test]
fn mean_colours_are_those_of_the_pixels() {
    let (width, height) = (31, 23);
    let picture = Picture::decode(&png(image::RgbImage::from_raw(width, height, pixels(width, height, 3)).unwrap()));
    let picture = picture.unwrap();
    let bits = (0..width * height).map(|k| k % 7 < 3 || k % 64 > 40);
    let mask = Mask::from_bits(height, width, bits).unwrap();
    let mut sums = [0.0; 3];
    for (x, y) in mask.pixels() {
        let (x, y) = (x as usize, y as usize);
        let colour = y / 2 * picture.planes.colour_width() + x / 2;
        let planes = &picture.planes;
        let pixel = [planes.y[y * planes.width + x], planes.cb[colour], planes.cr[colour]];
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f64::from(value));
    }
    let expected = rgb(sums.map(|sum| sum / mask.area() as f64));
    assert_eq!(picture.mean_colour(&mask), Some(expected));
    assert_eq!(picture.mean_colour(&Mask::empty(height, width).unwrap()), None);
    assert_eq!(picture.mean_colour(&Mask::empty(width, height).unwrap()), None);
    assert_eq!(picture.mean_colour(&PixelBox { x0: 40.0, y0: 0.0, x1: 50.0, y1: 9.0 }), None);
}

#[test]
fn half_a_file_is_an_error() {
    let photos = [photo(90, 60), jpeg(90, 60, ColorType::Rgb, |encoder| encoder.set_progressive(true))];
    let pictures = [png(image::RgbImage::from_raw(90, 60, pixels(90, 60, 3)).unwrap())];
    for bytes in photos.iter().chain(&pictures) {
        assert!(Picture::decode(bytes).is_ok());
        for length in (0..bytes.len() * 9 / 10).step_by(31) {
            assert!(Picture::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn broken_bytes_are_errors_or_pictures_but_nothing_worse() {
    let files = [
        photo(64, 48),
        jpeg(64, 48, ColorType::Rgb, |encoder| encoder.set_progressive(true)),
        jpeg(64, 48, ColorType::Cmyk, |_| ()),
        png(image::RgbImage::from_raw(64, 48, pixels(64, 48, 3)).unwrap()),
    ];
    let mut state = 1_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for bytes in &files {
        for _ in 0..150 {
            let mut broken = bytes.clone();
            for _ in 0..1 + random() % 4 {
                // Most of what can go wrong is in the head.
                let within = if random() % 2 == 0 { bytes.len().min(700) } else { bytes.len() };
                broken[random() % within] = random() as u8;
            }
            if let Ok(picture) = Picture::decode(&broken) {
                let marks = [number(12, 30.0, 20.0)];
                // A head that promises a picture as large as a wall is not worth drawing on.
                if picture.width() * picture.height() < 1 << 20 {
                    picture.drawn(&marks).unwrap();
                }
            }
        }
    }
}

#[test]
fn sizes_are_judged_before_pixels() {
    let sized = |width: u16, height: u16| {
        let mut bytes = photo(16, 16);
        let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
        bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
        bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
        Picture::decode(&bytes).unwrap_err()
    };
    assert!(matches!(sized(65_500, 20), DecodeError::Size { .. }));
    assert!(matches!(sized(32_000, 32_000), DecodeError::Memory { .. }));
    assert!(matches!(sized(0, 20), DecodeError::Jpeg(_)));

    let mut bytes = png(image::RgbImage::new(4, 4));
    // Width and height follow the signature, the length and the name of the first chunk; its checksum is after 13
    // bytes.
    bytes[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
    let sum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    assert!(matches!(Picture::decode(&bytes).unwrap_err(), DecodeError::Memory { width: 32_767, height: 32_767 }));
    assert!(matches!(Picture::decode(b"").unwrap_err(), DecodeError::Format));
}

/// PNG's checksum, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}
