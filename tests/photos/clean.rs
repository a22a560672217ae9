//! The pure function behind an upload: bytes in, a picture or a refusal out.

use api::kernel::problem::{Code, Refusal};
use api::photos::{Clean, clean, measure};
use image::ImageFormat;

use crate::support::pictures::*;

fn cleaned(bytes: &[u8]) -> Result<Clean, Refusal> {
    let measured = measure(bytes)?;
    clean(bytes, &measured)
}

fn code(bytes: &[u8]) -> Code {
    cleaned(bytes).expect_err("a refusal").code
}

/// What must be in no file that is kept.
const TOLD: &[&[u8]] = &[
    b"Exif",
    b"SECRET",
    b"MAKERNOTE",
    b"2024:08",
    b"xmpmeta",
    b"GPS",
    b"IPTC",
    b"ICC_PROFILE",
    b"COMMENT",
    b"Photoshop",
    b"<script",
    b"PK\x03\x04",
];

fn holds(file: &[u8], what: &[u8]) -> bool {
    file.windows(what.len()).any(|it| it == what)
}

#[test]
fn three_formats_give_the_same_picture_and_nothing_but_pixels() {
    let files = [jpeg(1), png(1), webp(1)].map(|file| cleaned(&file).expect("a picture"));
    for file in &files {
        assert_eq!((file.width, file.height), (48, 36));
        assert_eq!(image::guess_format(&file.jpeg).ok(), Some(ImageFormat::Jpeg));
        assert_eq!(file.taken_at, None);
    }
    // PNG and WebP lose nothing; what a JPEG lost, a camera lost already.
    assert_eq!(files[1].pixels, files[2].pixels);
    assert_ne!(files[0].pixels, files[1].pixels);
    assert_ne!(cleaned(&png(2)).expect("another").pixels, files[1].pixels);
}

#[test]
fn what_a_camera_tells_is_in_no_kept_file() {
    let sent = jpeg_that_tells();
    for what in [&b"SECRET-MAKER"[..], b"MAKERNOTE", b"xmpmeta", b"IPTC", b"ICC_PROFILE", b"2024:"]
    {
        assert!(holds(&sent, what));
    }
    let kept = cleaned(&sent).expect("a picture");
    for told in TOLD {
        assert!(!holds(&kept.jpeg, told), "{}", String::from_utf8_lossy(told));
    }
    // One segment of application data, which says that it is a JPEG.
    assert_eq!(kept.jpeg.windows(2).filter(|it| it[0] == 0xFF && it[1] >> 4 == 0xE).count(), 1);
    assert_eq!(kept.taken_at.expect("a time").to_string(), "2024-08-20T18:30:05.000+08:00");
    let plain = cleaned(&jpeg(7)).expect("the same picture");
    assert_eq!((kept.pixels, kept.jpeg), (plain.pixels, plain.jpeg));
}

#[test]
fn a_picture_is_turned_upright() {
    let lying = cleaned(&jpeg_lying()).expect("a picture");
    assert_eq!((lying.width, lying.height), (36, 48));
    let upright = image::load_from_memory(&lying.jpeg).expect("a picture").into_rgb8();
    let sent = image::load_from_memory(&jpeg(7)).expect("a picture").into_rgb8();
    // A quarter to the right: what was at the bottom left is at the top left.
    let near = |a: &image::Rgb<u8>, b: &image::Rgb<u8>| {
        a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) < 40)
    };
    assert!(near(upright.get_pixel(6, 6), sent.get_pixel(6, 29)));
    assert!(near(upright.get_pixel(30, 42), sent.get_pixel(42, 6)));
}

#[test]
fn a_large_picture_is_made_smaller_and_a_small_one_is_not_made_larger() {
    let large = cleaned(&png_bomb(8192, 40, 2)).expect("a picture");
    assert_eq!((large.width, large.height), (2048, 10));
    let thin = cleaned(&png_bomb(8192, 1, 2)).expect("a picture");
    assert_eq!((thin.width, thin.height), (2048, 1));
    let one = cleaned(&png_bomb(1, 1, 6)).expect("a picture");
    assert_eq!((one.width, one.height), (1, 1));
    // Nothing at all is on white paper.
    let pixel = image::load_from_memory(&one.jpeg).expect("a picture").into_rgb8();
    assert!(pixel.get_pixel(0, 0).0.iter().all(|part| *part > 250));
}

#[test]
fn what_is_no_picture_is_refused_by_its_first_bytes() {
    let others: [&[u8]; 9] = [
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%PDF-1.7 and so on",
        b"<?php system($_GET['c']); ?>",
        b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff",
        b"GIF89a\x01\0\x01\0\0\0\0;;;",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        b"RIFF\x04\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypheic\0\0\0\0",
    ];
    for other in others {
        assert_eq!(code(other), Code::UnsupportedMediaType);
    }
    for short in [&b"x"[..], b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"] {
        assert_eq!(code(short), Code::MalformedUpload);
    }
}

#[test]
fn sides_are_looked_at_before_anything_is_decoded() {
    let sides =
        [(20_000, 20_000), (30_000, 30_000), (65_535, 1), (1, 65_535), (8193, 1), (4900, 4900)];
    for (width, height) in sides {
        let head = [head(width, height, 2), (b"IDAT", zeros(1000)), (b"IEND", Vec::new())];
        assert_eq!(code(&png_of(&head)), Code::PhotoOutsized, "{width} x {height}");
        let (width, height) = (width.min(65_535) as u16, height.min(65_535) as u16);
        let mut jpeg = jpeg_bomb(8, 8, 0x11, false);
        // The frame stands behind the table of 69 bytes.
        jpeg[76..80].copy_from_slice(&[height.to_be_bytes(), width.to_be_bytes()].concat());
        assert_eq!(code(&jpeg), Code::PhotoOutsized, "{width} x {height}");
        if width <= 16_384 && height <= 16_384 {
            assert_eq!(code(&webp_bomb(width.into(), height.into())), Code::PhotoOutsized);
        }
    }
    // More than it may take in memory, though not in pixels.
    assert_eq!(code(&jpeg_bomb(6000, 4000, 0x11, true)), Code::PhotoOutsized);
    for (width, height) in [(0, 0), (0, 10), (10, 0)] {
        let head = [head(width, height, 2), (b"IDAT", zeros(10)), (b"IEND", Vec::new())];
        assert_eq!(code(&png_of(&head)), Code::PhotoUnreadable, "{width} x {height}");
    }
}

#[test]
fn a_picture_that_is_not_all_there_is_refused() {
    for file in [jpeg(3), png(3), webp(3)] {
        for part in [20, file.len() / 4, file.len() / 2, file.len() * 9 / 10, file.len() - 2] {
            let cut = file.get(..part).expect("a part");
            let refused = cleaned(cut).map(|it| it.width);
            // A WebP of an odd length has a byte of padding, and a PNG's last chunk is empty.
            let whole = part == file.len() - 2 && !file.starts_with(&[0xFF]);
            let unreadable = refused.is_err_and(|it| it.code == Code::PhotoUnreadable);
            assert!(unreadable || whole, "{part} of {}", file.len());
        }
    }
    // Its end, but not what is before it.
    let file = jpeg(3);
    let cut = [file.get(..file.len() / 2).expect("a half"), &[0xFF, 0xD9]].concat();
    assert_eq!(code(&cut), Code::PhotoUnreadable);
}

/// Whatever is changed in a file, the answer is a picture or a refusal.
#[test]
fn no_flipped_byte_brings_it_down() {
    let mut taken = 0;
    for file in [jpeg(4), png(4), webp(4), jpeg_that_tells()] {
        for at in (0..file.len()).step_by(file.len() / 150 + 1) {
            for flip in [0x01, 0x80, 0xFF] {
                let mut odd = file.clone();
                odd[at] ^= flip;
                match cleaned(&odd) {
                    Ok(_) => taken += 1,
                    Err(refused) => assert!((400..500).contains(&refused.code.status())),
                }
            }
        }
    }
    assert!(taken > 50, "{taken}");
}

#[test]
fn what_hangs_on_a_picture_does_not_come_along() {
    let plain = cleaned(&jpeg(5)).expect("a picture");
    for tail in [&b"PK\x03\x04 a zip archive"[..], b"<script>alert(1)</script>", &[0; 100_000]] {
        let hung = cleaned(&[&jpeg(5)[..], tail].concat()).expect("a picture");
        assert_eq!(hung, plain);
        let hung = cleaned(&[&png(5)[..], tail].concat()).expect("a picture");
        assert_eq!(hung.jpeg, cleaned(&png(5)).expect("a picture").jpeg);
        assert!(hung.jpeg.ends_with(&[0xFF, 0xD9]));
    }
}

#[test]
fn odd_metadata_is_passed_over_at_once() {
    let loops = tiff(&[(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x014A, 4, 1, 8)], 8, b"");
    let far = tiff(&[(0x0112, 3, 0xFFFF_FFFF, 0xFFFF_FFF0)], 0xFFFF_FFFF, b"");
    let many: Vec<_> = (0..65).map(|_| exif(&vec![0xAA; 60_000])).collect();
    let icc = (1..=60_u8)
        .map(|at| (0xE2, [b"ICC_PROFILE\0".to_vec(), vec![at, 60], vec![at; 60_000]].concat()));
    let jpegs = [
        ("a directory that leads to itself", jpeg_with(&[exif(&loops)])),
        ("offsets outside", jpeg_with(&[exif(&far)])),
        ("no directory", jpeg_with(&[exif(b"MM\0*")])),
        ("4 MB of segments", jpeg_with(&many)),
        ("a colour profile of 3.6 MB", jpeg_with(&icc.collect::<Vec<_>>())),
    ];
    // 60 MB of text in 400 kB, and as much of a colour profile.
    let zipped = zeros(60_000_000);
    let text = [&b"Comment\0\0"[..], &zipped].concat();
    let profile = [&b"icc\0\0"[..], &zipped].concat();
    let international = [&b"Comment\0\x01\0\0\0"[..], &zipped].concat();
    let small = |kind, content| {
        let data = zeros((48 * 3 + 1) * 36);
        png_of(&[head(48, 36, 2), (kind, content), (b"IDAT", data), (b"IEND", Vec::new())])
    };
    let pngs = [
        ("a bomb of text", small(b"zTXt", text)),
        ("a bomb of international text", small(b"iTXt", international)),
        ("a bomb of a colour profile", small(b"iCCP", profile)),
        ("Exif that leads to itself", small(b"eXIf", loops)),
    ];
    for (what, file) in jpegs.into_iter().chain(pngs) {
        let done = cleaned(&file);
        let fine = done.as_ref().map_or_else(
            |refused| refused.code == Code::PhotoUnreadable,
            |it| (it.width, it.height) == (48, 36) && it.jpeg.len() < 5000,
        );
        assert!(fine, "{what}: {done:?}");
    }
}
